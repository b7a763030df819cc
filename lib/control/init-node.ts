import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { probeMode } from '../modes/probe-mode.js'
import { MODES, modeByName } from '../modes/registry.js'
import { applyConntrackSettings } from '../system/conntrack-settings.js'
import { detectIptables } from '../system/detect-iptables.js'
import { kernelTools } from '../system/kernel-tools.js'
import { allowTimeWaitReuse } from '../system/time-wait-reuse.js'
import { chooseMode } from './choose-mode.js'

/**
 * Writes the settings of the kernel for `--init-only`: those of connection tracking, and those of the mode that this node will use. A
 * proxy that starts later with NET_ADMIN only finds them made. It writes no rule and needs no API server.
 *
 * `route_localnet` stays as it is. It would open the node's loopback to its network until rules protect it.
 * @throws ProxyFailure MODE_IMPOSSIBLE, or that iptables is missing
 */
export async function initNode(config: KubeProxyConfig, log: Log, modes: readonly Mode[] = MODES): Promise<void> {
  applyConntrackSettings(config.conntrack, log)
  const kernel = kernelTools(await detectIptables(log), log)
  const preferred = config.modes.map(name => modeByName(name, modes))
  const { mode } = await chooseMode(preferred, one => probeMode(one, config, kernel), log)
  if (mode.carriedBy === 'sockets' && config.reuseSourcePorts) allowTimeWaitReuse(log)
  mode.initKernel?.(config, kernel)
  log.info(0, 'The settings of the kernel are made; exiting because of --init-only', { mode: mode.name })
}

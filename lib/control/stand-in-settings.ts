import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { ProxyFailure } from '../model/failure.js'
import { type IptablesSettings } from '../modes/iptables/rule-context.js'
import { type Iptables } from '../system/iptables.js'
import { detectRuleSettings } from '../modes/detect-rule-settings.js'
import { probeMode } from './why-mode-cannot-be-had.js'

/**
 * Settings of the rules that take over when the userspace mode ends; undefined where nobody asked for that.
 * @throws ProxyFailure MODE_IMPOSSIBLE when this kernel could not: better now than at the end
 */
export async function detectFailoverSettings(
  config: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<IptablesSettings | undefined> {
  if (config.onExit !== 'kernel') return undefined
  const reason = await probeMode('iptables', config, iptables)
  if (reason === undefined) return detectRuleSettings(config, iptables)
  const message = `Cannot have the kernel serve at the end, as "--on-exit=kernel" wants it, in mode iptables: ${reason}`
  throw new ProxyFailure('MODE_IMPOSSIBLE', message, { hint: 'Add what is missing, or give --on-exit=keep' })
}

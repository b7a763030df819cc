import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { detectIptables } from '../system/detect-iptables.js'
import { chooseDataPlane } from './choose-data-plane.js'
import { type ChosenMode, chooseMode } from './choose-mode.js'
import { type Cluster, chooseSource } from './choose-source.js'
import { detectRuleSettings } from '../modes/detect-rule-settings.js'
import { type ModeResources } from './make-proxier.js'
import { detectFailoverSettings } from './stand-in-settings.js'
import { probeMode } from './why-mode-cannot-be-had.js'

/** What is looked at, and chosen, before a proxy is put together. */
export interface Prepared {
  readonly cluster: Cluster
  readonly iptables: readonly IptablesPrograms[]
  readonly chosenMode: ChosenMode
  readonly resources: ModeResources
}

/**
 * Looks what this node can do, and chooses. No rule of ours is written yet.
 * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function prepare(config: KubeProxyConfig, log: Log): Promise<Prepared> {
  // First of all: workers start while the rest is being looked at, and end with this process if that fails.
  const earlyDataPlane = config.modes.join() === 'userspace' ? chooseDataPlane(config, log) : undefined
  const cluster = await chooseSource(config, realClock, log)
  const iptables = await detectIptables(log)
  const chosen = await chooseMode(config.modes, mode => probeMode(mode, config, iptables), log)
  const { mode } = chosen
  if (mode !== 'userspace')
    return {
      cluster,
      iptables,
      chosenMode: chosen,
      resources: { mode, settings: await detectRuleSettings(config, iptables) },
    }
  const standIn = await detectFailoverSettings(config, iptables)
  const dataPlane = await (earlyDataPlane ?? chooseDataPlane(config, log))
  return { cluster, iptables, chosenMode: chosen, resources: { mode, dataPlane, failoverSettings: standIn } }
}

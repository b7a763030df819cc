import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { realClock } from '../system/real-clock.js'
import { usableIptables } from '../system/usable-iptables.js'
import { chooseDataPlane } from './choose-data-plane.js'
import { type ChosenMode, chooseMode } from './choose-mode.js'
import { type Cluster, chooseSource } from './choose-source.js'
import { kernelSettings } from './kernel-settings.js'
import { type Means } from './make-proxier.js'
import { standInSettings } from './stand-in-settings.js'
import { whyModeCannotBeHad } from './why-mode-cannot-be-had.js'

/** What is looked at, and chosen, before a proxy is put together. */
export interface Groundwork {
  readonly cluster: Cluster
  readonly iptables: readonly IptablesPrograms[]
  readonly chosen: ChosenMode
  readonly means: Means
}

/**
 * Looks what this node can do, and chooses. No rule of ours is written yet.
 * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function groundwork(config: KubeProxyConfig, log: Log): Promise<Groundwork> {
  // First of all: workers start while the rest is being looked at, and end with this process if that fails.
  const early = config.modes.join() === 'userspace' ? chooseDataPlane(config, log) : undefined
  const cluster = await chooseSource(config, realClock, log)
  const iptables = await usableIptables(log)
  const chosen = await chooseMode(config.modes, mode => whyModeCannotBeHad(mode, config, iptables), log)
  const { mode } = chosen
  if (mode !== 'userspace')
    return { cluster, iptables, chosen, means: { mode, settings: await kernelSettings(config, iptables) } }
  const standIn = await standInSettings(config, iptables)
  const dataPlane = await (early ?? chooseDataPlane(config, log))
  return { cluster, iptables, chosen, means: { mode, dataPlane, standIn } }
}

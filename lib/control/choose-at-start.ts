import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { probeMode } from '../modes/probe-mode.js'
import { modeByName } from '../modes/registry.js'
import { type ClientObservers } from '../source/kube-client.js'
import { detectIptables } from '../system/detect-iptables.js'
import { type IptablesPrograms } from '../system/iptables.js'
import { type KernelTools, kernelTools } from '../system/kernel-tools.js'
import { realClock } from '../system/real-clock.js'
import { chooseDataPlane } from './choose-data-plane.js'
import { type ChosenMode, chooseMode } from './choose-mode.js'
import { type Cluster, chooseSource } from './choose-source.js'

/** What this process works with, chosen from the configuration and from what the node offers. */
export interface StartChoices extends ChosenMode {
  readonly cluster: Cluster
  /** One for each IP family that this node serves. */
  readonly iptables: readonly IptablesPrograms[]
  readonly kernel: KernelTools
  /** Undefined if the kernel carries the traffic in the chosen mode. */
  readonly dataPlane: DataPlane | undefined
}

/**
 * Checks the node and chooses the source, the mode and the data plane. It starts workers, and probes the kernel with rules that
 * it removes again.
 *
 * @param modes all modes that `--proxy-mode` may name
 * @param clientObservers take notice of what the client of the API server does
 * @param onFailure takes what must be undone if the start fails, here or later
 * @throws ProxyFailure if this can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function chooseAtStart(
  config: KubeProxyConfig,
  modes: readonly Mode[],
  log: Log,
  clientObservers: ClientObservers,
  onFailure: (undo: () => unknown) => void,
): Promise<StartChoices> {
  const preferred = config.modes.map(name => modeByName(name, modes))
  const startDataPlane = (): Promise<DataPlane> => {
    const dataPlane = chooseDataPlane(config, log)
    onFailure(async () => (await dataPlane).drain(0))
    return dataPlane
  }
  // Workers start while the node is checked.
  const isCertain = preferred.length === 1 && preferred[0]!.carriedBy === 'sockets'
  const earlyDataPlane = isCertain ? startDataPlane() : undefined
  const cluster = await chooseSource(config, realClock, log, clientObservers)
  const iptables = await detectIptables(log)
  const kernel = kernelTools(iptables, log)
  const chosen = await chooseMode(preferred, mode => probeMode(mode, config, kernel), log)
  const needsDataPlane = chosen.mode.carriedBy === 'sockets'
  const dataPlane = needsDataPlane ? await (earlyDataPlane ?? startDataPlane()) : undefined
  return { ...chosen, cluster, iptables, kernel, dataPlane }
}

import { type FlagValues, FlagReader } from './flag-reader.js'
import { readKernelModes } from './read-kernel-modes.js'
import { type KnownMode, type KubeProxyConfig } from './kube-proxy-config.js'

export interface ReadConfigResult {
  readonly config: KubeProxyConfig
  /** One sentence for each value that cannot be used; with any of them `config` must not be used. */
  readonly problems: readonly string[]
}

/** Reads and checks all values, and reports everything that is wrong together. `hostName` is the machine's. */
export function readConfig(values: FlagValues, hostName: string, knownModes: readonly KnownMode[]): ReadConfigResult {
  const reader = new FlagReader(values)
  const config: KubeProxyConfig = {
    kubeconfig: reader.readText('kubeconfig'),
    master: reader.readMaster(),
    manifests: reader.readList('manifests'),
    nodeName: reader.readNodeName(hostName),
    modes: reader.readModes(knownModes.map(({ name }) => name)),
    bindAddress: reader.readBindAddress(),
    clusterCIDR: reader.readClusterCidr(),
    detectLocal: reader.readDetectLocal(),
    nodePortAddresses: reader.readNodePortAddresses(),
    rangesAtNodePorts: reader.isSet('source-ranges-at-nodeports'),
    localhostNodePorts: reader.readBool('iptables-localhost-nodeports'),
    portRange: reader.readPortRange(),
    udpIdleTimeout: reader.readText('udp-timeout') === '' ? undefined : reader.readDuration('udp-timeout', 'positive'),
    fastPath: reader.readFastPath(),
    iptablesSyncPeriod: reader.readDuration('iptables-sync-period', 'positive'),
    iptablesMinSyncPeriod: reader.readDuration('iptables-min-sync-period', 'non-negative'),
    kernelModes: readKernelModes(reader),
    conntrack: reader.readConntrack(),
    healthzBindAddress: reader.readHttpAddress('healthz-bind-address'),
    metricsBindAddress: reader.readHttpAddress('metrics-bind-address'),
    drainTimeout: reader.readDuration('drain-timeout', 'non-negative'),
    dataPlaneWorkers: reader.readDataPlaneWorkers(),
    onExit: reader.readOnExit(),
    cleanup: reader.isSet('cleanup'),
    verbosity: reader.readVerbosity(),
  }
  const { iptablesSyncPeriod, iptablesMinSyncPeriod, kernelModes } = config
  checkPeriods(reader, 'iptables', iptablesSyncPeriod, iptablesMinSyncPeriod)
  checkPeriods(reader, 'ipvs', kernelModes.ipvs.syncPeriod, kernelModes.ipvs.minSyncPeriod)
  if (config.onExit === 'kernel' && !reader.hasProblem('proxy-mode') && !isCarriedBySockets(config.modes, knownModes))
    reader.addProblem('on-exit', 'counts in userspace mode only: in the others the kernel serves on with "keep"')
  if (config.manifests.length > 0 && config.kubeconfig + config.master !== '') {
    reader.addProblem('manifests', 'cannot be combined with --kubeconfig or --master: objects come from one place')
  }
  return { config, problems: reader.problems }
}

function checkPeriods(reader: FlagReader, mode: 'iptables' | 'ipvs', period: number, minPeriod: number): void {
  const [flag, minFlag] = [`${mode}-sync-period`, `${mode}-min-sync-period`]
  if (!reader.hasProblem(flag) && !reader.hasProblem(minFlag) && minPeriod > period)
    reader.addProblem(flag, `must be at least --${minFlag}`)
}

function isCarriedBySockets(names: readonly string[], knownModes: readonly KnownMode[]): boolean {
  return knownModes.some(({ name, carriedBy }) => carriedBy === 'sockets' && names.includes(name))
}

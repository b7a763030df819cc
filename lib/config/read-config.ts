import { type FlagValues, FlagReader } from './flag-reader.js'
import { readKernelModes } from './read-kernel-modes.js'
import { FAST_PATH, type KnownMode, type KubeProxyConfig, ON_EXIT } from './kube-proxy-config.js'

/** The result of reading all flags. */
export interface ReadConfigResult {
  readonly config: KubeProxyConfig
  /** One sentence for each invalid value; do not use `config` when there is any. */
  readonly problems: readonly string[]
}

/** An idle API server confirms a watch when it ends, so a shorter time would make a healthy proxy unhealthy now and then. */
const MIN_STALE_TIMEOUT_MS = 60_000

/** Reads and checks all flags, and reports all problems together. `hostName` is the name of the machine. */
export function readConfig(values: FlagValues, hostName: string, knownModes: readonly KnownMode[]): ReadConfigResult {
  const reader = new FlagReader(values)
  const config: KubeProxyConfig = {
    kubeconfig: reader.readText('kubeconfig'),
    master: reader.readMaster(),
    manifests: reader.readList('manifests'),
    manifestsStrict: reader.readSwitch('manifests-strict'),
    nodeName: reader.readNodeName(hostName),
    modes: reader.readModes(knownModes.map(({ name }) => name)),
    bindAddress: reader.readBindAddress(),
    clusterCIDR: reader.readClusterCidr(),
    detectLocal: reader.readDetectLocal(),
    nodePortAddresses: reader.readNodePortAddresses(),
    rangesAtNodePorts: reader.readSwitch('source-ranges-at-nodeports'),
    allowNodeAddressEndpoints: reader.readSwitch('allow-node-address-endpoints'),
    localhostNodePorts: reader.readSwitch('iptables-localhost-nodeports'),
    portRange: reader.readPortRange(),
    udpIdleTimeout: reader.readText('udp-timeout') === '' ? undefined : reader.readDuration('udp-timeout', 'positive'),
    fastPath: reader.readChoice('fast-path', FAST_PATH),
    reuseSourcePorts: reader.readSwitch('reuse-source-ports'),
    iptablesSyncPeriod: reader.readDuration('iptables-sync-period', 'positive'),
    iptablesMinSyncPeriod: reader.readDuration('iptables-min-sync-period', 'non-negative'),
    kernelModes: readKernelModes(reader),
    conntrack: reader.readConntrack(),
    healthzBindAddress: reader.readHttpAddress('healthz-bind-address'),
    healthzStaleTimeout: reader.readDuration('healthz-stale-timeout', 'non-negative'),
    metricsBindAddress: reader.readHttpAddress('metrics-bind-address'),
    drainTimeout: reader.readDuration('drain-timeout', 'non-negative'),
    dataPlaneWorkers: reader.readDataPlaneWorkers(),
    oomScoreAdj: reader.readOomScore(),
    onExit: reader.readChoice('on-exit', ON_EXIT),
    cleanup: reader.readSwitch('cleanup'),
    verbosity: reader.readVerbosity(),
  }
  const { iptablesSyncPeriod, iptablesMinSyncPeriod, kernelModes } = config
  checkPeriods(reader, 'iptables', iptablesSyncPeriod, iptablesMinSyncPeriod)
  checkPeriods(reader, 'ipvs', kernelModes.ipvs.syncPeriod, kernelModes.ipvs.minSyncPeriod)
  if (config.healthzStaleTimeout > 0 && config.healthzStaleTimeout < MIN_STALE_TIMEOUT_MS)
    reader.addProblem('healthz-stale-timeout', 'must be 0 or at least 1m: an idle watch is confirmed every 25 to 35 s')
  if (config.onExit === 'kernel' && !reader.hasProblem('proxy-mode') && !isCarriedBySockets(config.modes, knownModes))
    reader.addProblem(
      'on-exit',
      'applies to userspace mode only; use keep: in the other modes the kernel continues to serve',
    )
  if (config.manifests.length > 0 && config.kubeconfig + config.master !== '') {
    reader.addProblem('manifests', 'cannot be combined with --kubeconfig or --master; use manifests or an API server')
  }
  if (config.manifestsStrict && config.manifests.length === 0)
    reader.addProblem('manifests-strict', 'applies to manifests; give --manifests too')
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

import { type FlagValues, FlagReader } from './flag-reader.js'
import { readKernelModes } from './read-kernel-modes.js'
import { type KubeProxyConfig } from './kube-proxy-config.js'

export interface ReadConfig {
  readonly config: KubeProxyConfig
  /** One sentence for each value that cannot be used; with any of them `config` must not be used. */
  readonly problems: readonly string[]
}

/** Reads and checks all values, and reports everything that is wrong together. `hostName` is the machine's. */
export function readConfig(values: FlagValues, hostName: string): ReadConfig {
  const reader = new FlagReader(values)
  const config: KubeProxyConfig = {
    kubeconfig: reader.text('kubeconfig'),
    master: reader.master(),
    manifests: reader.list('manifests'),
    nodeName: reader.nodeName(hostName),
    modes: reader.modes(),
    bindAddress: reader.bindAddress(),
    clusterCIDR: reader.clusterCidr(),
    detectLocal: reader.detectLocal(),
    nodePortAddresses: reader.nodePortAddresses(),
    rangesAtNodePorts: reader.isSet('source-ranges-at-nodeports'),
    localhostNodePorts: reader.bool('iptables-localhost-nodeports'),
    portRange: reader.portRange(),
    udpIdleTimeout: reader.text('udp-timeout') === '' ? undefined : reader.duration('udp-timeout', 'above'),
    fastPath: reader.fastPath(),
    iptablesSyncPeriod: reader.duration('iptables-sync-period', 'above'),
    iptablesMinSyncPeriod: reader.duration('iptables-min-sync-period', 'from'),
    kernelModes: readKernelModes(reader),
    conntrack: reader.conntrack(),
    healthzBindAddress: reader.httpAddress('healthz-bind-address'),
    metricsBindAddress: reader.httpAddress('metrics-bind-address'),
    drainTimeout: reader.duration('drain-timeout', 'from'),
    dataPlaneWorkers: reader.dataPlaneWorkers(),
    onExit: reader.onExit(),
    cleanup: reader.isSet('cleanup'),
    verbosity: reader.verbosity(),
  }
  const { iptablesSyncPeriod, iptablesMinSyncPeriod, kernelModes } = config
  checkPeriods(reader, 'iptables', iptablesSyncPeriod, iptablesMinSyncPeriod)
  checkPeriods(reader, 'ipvs', kernelModes.ipvs.syncPeriod, kernelModes.ipvs.minSyncPeriod)
  if (config.onExit === 'kernel' && !reader.hasProblem('proxy-mode') && !config.modes.includes('userspace'))
    reader.problem('on-exit', 'counts in userspace mode only: in the others the kernel serves on with "keep"')
  if (config.manifests.length > 0 && config.kubeconfig + config.master !== '') {
    reader.problem('manifests', 'cannot be combined with --kubeconfig or --master: objects come from one place')
  }
  return { config, problems: reader.problems }
}

function checkPeriods(reader: FlagReader, mode: 'iptables' | 'ipvs', period: number, minPeriod: number): void {
  const [flag, minFlag] = [`${mode}-sync-period`, `${mode}-min-sync-period`]
  if (!reader.hasProblem(flag) && !reader.hasProblem(minFlag) && minPeriod > period)
    reader.problem(flag, `must be at least --${minFlag}`)
}

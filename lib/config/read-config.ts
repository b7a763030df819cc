import { type FlagValues, FlagReader } from './flag-reader.js'
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
    mode: reader.mode(),
    bindAddress: reader.bindAddress(),
    clusterCIDR: reader.clusterCidr(),
    detectLocal: reader.detectLocal(),
    nodePortAddresses: reader.nodePortAddresses(),
    rangesAtNodePorts: values['source-ranges-at-nodeports'] === true,
    localhostNodePorts: reader.bool('iptables-localhost-nodeports'),
    portRange: reader.portRange(),
    udpIdleTimeout: reader.text('udp-timeout') === '' ? undefined : reader.duration('udp-timeout', 'above'),
    fastPath: reader.fastPath(),
    iptablesSyncPeriod: reader.duration('iptables-sync-period', 'above'),
    iptablesMinSyncPeriod: reader.duration('iptables-min-sync-period', 'from'),
    conntrack: reader.conntrack(),
    healthzBindAddress: reader.httpAddress('healthz-bind-address'),
    metricsBindAddress: reader.httpAddress('metrics-bind-address'),
    drainTimeout: reader.duration('drain-timeout', 'from'),
    dataPlaneWorkers: reader.dataPlaneWorkers(),
    cleanup: values.cleanup === true,
    verbosity: reader.verbosity(),
  }
  const periodsRead = !reader.hasProblem('iptables-sync-period') && !reader.hasProblem('iptables-min-sync-period')
  if (periodsRead && config.iptablesMinSyncPeriod > config.iptablesSyncPeriod) {
    reader.problem('iptables-sync-period', 'must be at least --iptables-min-sync-period')
  }
  if (config.manifests.length > 0 && config.kubeconfig + config.master !== '') {
    reader.problem('manifests', 'cannot be combined with --kubeconfig or --master: objects come from one place')
  }
  return { config, problems: reader.problems }
}

import { type KnownMode, type KubeProxyConfig } from './kube-proxy-config.js'
import { type SettingReader } from './setting-reader.js'

/** An idle API server confirms a watch when it ends, so a shorter time would make a healthy proxy unhealthy now and then. */
const MIN_STALE_TIMEOUT_MS = 60_000

/** Checks what single settings cannot show: whether they fit together. */
export function checkTogether(reader: SettingReader, config: KubeProxyConfig, knownModes: readonly KnownMode[]): void {
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
    const [kubeconfig, master] = [reader.nameOf('kubeconfig'), reader.nameOf('master')]
    reader.addProblem('manifests', `cannot be combined with ${kubeconfig} or ${master}; use manifests or an API server`)
  }
  if (config.dashboardAllowRemote && config.dashboardTokenFile === '')
    reader.addProblem(
      'dashboard-allow-remote',
      `other hosts need a token; give ${reader.nameOf('dashboard-token-file')} too`,
    )
  if (config.manifestsStrict && config.manifests.length === 0)
    reader.addProblem('manifests-strict', `applies to manifests; give ${reader.nameOf('manifests')} too`)
}

function checkPeriods(reader: SettingReader, mode: 'iptables' | 'ipvs', period: number, minPeriod: number): void {
  const [name, minName] = [`${mode}-sync-period`, `${mode}-min-sync-period`]
  if (!reader.hasProblem(name) && !reader.hasProblem(minName) && minPeriod > period)
    reader.addProblem(name, `must be at least ${reader.nameOf(minName)}`)
}

function isCarriedBySockets(names: readonly string[], knownModes: readonly KnownMode[]): boolean {
  return knownModes.some(({ name, carriedBy }) => carriedBy === 'sockets' && names.includes(name))
}

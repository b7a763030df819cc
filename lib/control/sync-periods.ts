import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyMode } from '../model/proxy-mode.js'

/** How often a mode looks after the kernel, and how often it writes to it at the most, in milliseconds. */
export function syncPeriods(
  mode: ProxyMode,
  { iptablesSyncPeriod, iptablesMinSyncPeriod, kernelModes: { ipvs } }: KubeProxyConfig,
): { readonly syncPeriod: number; readonly minSyncPeriod: number } {
  if (mode === 'ipvs') return { syncPeriod: ipvs.syncPeriod, minSyncPeriod: ipvs.minSyncPeriod }
  return { syncPeriod: iptablesSyncPeriod, minSyncPeriod: iptablesMinSyncPeriod }
}

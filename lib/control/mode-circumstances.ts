import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type IptablesSettings } from '../modes/iptables/rule-context.js'
import { takesRandomPorts, whyRulesCannotBeHad } from '../modes/probe-mode.js'
import { type Iptables } from '../system/iptables.js'
import { kernelFiles } from '../system/kernel-files.js'

/** How often a mode looks after the kernel, and how often it writes to it at the most, in milliseconds. */
export function periodsOf(
  mode: ProxyMode,
  { iptablesSyncPeriod, iptablesMinSyncPeriod, kernelModes: { ipvs } }: KubeProxyConfig,
): { readonly syncPeriod: number; readonly minSyncPeriod: number } {
  if (mode === 'ipvs') return { syncPeriod: ipvs.syncPeriod, minSyncPeriod: ipvs.minSyncPeriod }
  return { syncPeriod: iptablesSyncPeriod, minSyncPeriod: iptablesMinSyncPeriod }
}

/**
 * Why a mode cannot be had on this node, in any of the IP families that are served; undefined: it can. The userspace mode, where
 * it stands alone, is not asked about: it is what there was always, and its first write says what is wrong.
 */
export async function whyModeCannotBeHad(
  mode: ProxyMode,
  { modes }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<string | undefined> {
  if (mode === 'userspace' && modes.length === 1) return undefined
  const reasons = await Promise.all(iptables.map(family => whyRulesCannotBeHad(mode, family)))
  return reasons.find(reason => reason !== undefined)
}

const BE_LIBERAL_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'

/** What rules of the kernel modes depend on, by the operator's wish and by what this kernel can do. */
export async function kernelSettings(
  { kernelModes: { masqueradeAll, masqueradeMark } }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<IptablesSettings> {
  const random = await Promise.all(iptables.map(takesRandomPorts))
  return {
    masqueradeAll,
    masqueradeMark,
    randomFully: random.every(takes => takes),
    dropInvalid: kernelFiles.read(BE_LIBERAL_FILE) !== 1,
  }
}

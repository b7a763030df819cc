import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { messageOf } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { needsOf } from '../modes/mode-needs.js'
import { tryRules } from '../modes/try-rules.js'
import { trySetMatch } from '../modes/try-set-match.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { type Iptables } from '../system/iptables.js'
import { ipvsUsable } from '../system/ipvs-usable.js'

/**
 * Why a mode cannot be had on this node, in any of the IP families that are served; undefined: it can. The userspace mode, where
 * it stands alone, is not asked about: its first write says what is wrong, and it is to be there soon.
 */
export async function whyModeCannotBeHad(
  mode: ProxyMode,
  { modes, kernelModes }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<string | undefined> {
  if (mode === 'userspace' && modes.length === 1) return undefined
  const refused = await firstReason(iptables, each => tryRules(needsOf(mode, each.family), each))
  if (refused !== undefined || mode !== 'ipvs') return refused
  const failure = await ipvsUsable(kernelModes.ipvs.scheduler)
  if (failure === undefined) return firstReason(iptables, each => trySetMatch(each, ipSetProgram))
  return failure.hint === undefined ? messageOf(failure) : `${messageOf(failure)} (${failure.hint})`
}

async function firstReason(
  iptables: readonly Iptables[],
  tried: (iptables: Iptables) => Promise<string | undefined>,
): Promise<string | undefined> {
  const reasons = await Promise.all(iptables.map(tried))
  return reasons.find(reason => reason !== undefined)
}

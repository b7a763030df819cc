import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { messageOf } from '../model/failure.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { buildProbeRules } from '../modes/mode-probe-rules.js'
import { probeRules } from '../modes/probe-rules.js'
import { probeSetMatch } from '../modes/ipvs/probe-set-match.js'
import { ipSetProgram } from '../system/ip-sets.js'
import { type Iptables } from '../system/iptables.js'
import { probeIpvs } from '../system/probe-ipvs.js'

/**
 * Why a mode cannot be had on this node, in any of the IP families that are served; undefined: it can. The userspace mode, where
 * it stands alone, is not asked about: its first write says what is wrong, and it is to be there soon.
 */
export async function probeMode(
  mode: ProxyMode,
  { modes, kernelModes }: KubeProxyConfig,
  iptables: readonly Iptables[],
): Promise<string | undefined> {
  if (mode === 'userspace' && modes.length === 1) return undefined
  const reason = await firstReason(iptables, each => probeRules(buildProbeRules(mode, each.family), each))
  if (reason !== undefined || mode !== 'ipvs') return reason
  const failure = await probeIpvs(kernelModes.ipvs.scheduler)
  if (failure === undefined) return firstReason(iptables, each => probeSetMatch(each, ipSetProgram))
  return failure.hint === undefined ? messageOf(failure) : `${messageOf(failure)} (${failure.hint})`
}

async function firstReason(
  iptables: readonly Iptables[],
  probe: (iptables: Iptables) => Promise<string | undefined>,
): Promise<string | undefined> {
  const reasons = await Promise.all(iptables.map(probe))
  return reasons.find(reason => reason !== undefined)
}

import { messageOf } from '../../model/failure.js'
import { setHeader } from '../../system/ip-set-text.js'
import { type IpSets } from '../../system/ip-sets.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import { probeIpvs } from '../../system/probe-ipvs.js'
import {
  KERNEL_FILTER_PROBES,
  KERNEL_NAT_PROBES,
  PROBE_CHAIN,
  type ProbeRules,
  probeFamilies,
  probeRules,
} from '../probe-rules.js'

/** IPVS translates, and is probed by itself: rules only mark, masquerade and filter. */
export const IPVS_PROBE_RULES: ProbeRules = new Map([
  ['nat', KERNEL_NAT_PROBES],
  ['filter', KERNEL_FILTER_PROBES],
])

/**
 * Tries whether this node can do ipvs mode: rules, IPVS with that scheduler, sets, and rules that match sets.
 * @returns why not; undefined: it can
 */
export async function probeIpvsMode(
  scheduler: string,
  { iptables, ipvs, ipSets, dummyInterface }: KernelTools,
): Promise<string | undefined> {
  const rulesReason = await probeFamilies(iptables, each => probeRules(IPVS_PROBE_RULES, each))
  if (rulesReason !== undefined) return rulesReason
  const failure = await probeIpvs(scheduler, ipvs, ipSets, dummyInterface)
  if (failure === undefined) return probeFamilies(iptables, each => probeSetMatch(each, ipSets))
  return failure.hint === undefined ? messageOf(failure) : `${messageOf(failure)} (${failure.hint})`
}

/**
 * Tries whether rules may match sets, which takes a kernel module of its own (xt_set). The set and the chain are gone
 * afterwards.
 * @returns why not, with what is missing; undefined: they may
 * @throws ProxyFailure when there can be no set
 */
export async function probeSetMatch(iptables: Iptables, sets: IpSets): Promise<string | undefined> {
  const { family } = iptables
  const name = `${PROBE_CHAIN}-${family}`
  const header = setHeader({ name, type: 'hash:ip,port', family, entries: new Set() })
  await sets.restore(`create ${name} ${header}\n`)
  const rule = { inSet: { name, fields: 'dst,dst' }, target: { kind: 'RETURN' } } as const
  const reason = await probeRules(new Map([['nat', [rule]]]), iptables)
  await sets.restore(`destroy ${name}\n`)
  return reason
}

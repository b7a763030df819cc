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

/** The rules of this mode only mark, masquerade and filter. IPVS translates, and has its own probe. */
export const IPVS_PROBE_RULES: ProbeRules = new Map([
  ['nat', KERNEL_NAT_PROBES],
  ['filter', KERNEL_FILTER_PROBES],
])

/**
 * Checks whether ipvs mode works on this node: rules, IPVS with that scheduler, sets, and rules that match sets.
 * @returns why not; undefined if it works
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
 * Checks whether rules can match sets, which requires the kernel module xt_set. The set and the chain of the probe are removed
 * afterwards.
 * @returns why not, and what is missing; undefined if they can
 * @throws ProxyFailure if the kernel cannot create the set
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

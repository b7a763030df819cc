import { type IpFamily } from '../model/address.js'
import { isHindered, messageOf } from '../model/failure.js'
import { removalInput, restoreInput } from '../netfilter/iptables-restore.js'
import { type Rule, type RuleSet } from '../netfilter/rule-set.js'
import { type Iptables } from '../system/iptables.js'
import { retryTransient } from '../system/retry-transient.js'

/** The chain of the probes. No rule jumps to it, and it is removed after the probe. */
export const PROBE_CHAIN = 'KUBE-PROXY-PROBE'

/** Rules by table: one for each kind of match and target that a mode uses. */
export type ProbeRules = ReadonlyMap<string, readonly Rule[]>

const MARK = 0x4000
const COMMENT = 'kube-proxy probes the kernel'

/** The target of DNAT in probes: documentation addresses (RFC 5737, RFC 3849). */
export const PROBE_DNAT: Readonly<Record<IpFamily, Rule['target']>> = {
  IPv4: { kind: 'DNAT', address: '192.0.2.1', port: 1 },
  IPv6: { kind: 'DNAT', address: '2001:db8::1', port: 1 },
}

/** What iptables and ipvs mode need in table nat. */
export const KERNEL_NAT_PROBES: readonly Rule[] = [
  { not: { mark: MARK }, target: { kind: 'RETURN' } },
  { target: { kind: 'MARK', operation: 'toggle', bits: MARK } },
  { target: { kind: 'MASQUERADE', randomPort: false } },
  { fromThisNode: true, target: { kind: 'ACCEPT' } },
]

/** What iptables and ipvs mode need in table filter. */
export const KERNEL_FILTER_PROBES: readonly Rule[] = [
  { connection: ['RELATED', 'ESTABLISHED'], target: { kind: 'ACCEPT' } },
  { protocol: 'TCP', connection: 'NEW', target: { kind: 'REJECT', with: 'tcp-reset' } },
  { target: { kind: 'REJECT', with: 'port-unreachable' } },
  { mark: MARK, target: { kind: 'ACCEPT' } },
]

/** The rules with a comment where they have none: the rules that modes write have comments. */
export function commentedRules(rules: ProbeRules): ProbeRules {
  return new Map([...rules].map(([table, ofTable]) => [table, ofTable.map(rule => ({ comment: COMMENT, ...rule }))]))
}

/**
 * Checks whether the kernel accepts rules with comments, by writing and removing them.
 * @returns why not, with the IP family and the missing module; undefined if it accepts them
 */
export function probeRules(rules: ProbeRules, iptables: Iptables): Promise<string | undefined> {
  return probeExactRules(commentedRules(rules), iptables)
}

/** The same for rules as they are. A program that others hinder is tried again: that says nothing about the kernel. */
export async function probeExactRules(rules: ProbeRules, iptables: Iptables): Promise<string | undefined> {
  try {
    await retryTransient(() => tryRules(rules, iptables), isHindered)
    return undefined
  } catch (error) {
    return `${iptables.family}: ${messageOf(error)}`
  }
}

/** Writes and removes rules, one table after the other, so that nothing is left of those that the kernel refuses. @throws ProxyFailure */
export async function tryRules(rules: ProbeRules, iptables: Iptables): Promise<void> {
  const texts = [...rules].flatMap(([table, ofTable]) => {
    const desired: RuleSet = {
      family: iptables.family,
      tables: new Map([[table, { chains: new Map([[PROBE_CHAIN, ofTable]]), links: [] }]]),
    }
    const observed = new Map([[table, new Map([[PROBE_CHAIN, []]])]])
    return [restoreInput(desired, new Map()).text, removalInput(new Map([[table, [PROBE_CHAIN]]]), observed)]
  })
  if (texts.length > 0) await iptables.restore(texts.join(''))
}

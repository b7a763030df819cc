import { type IpFamily } from '../../model/address.js'
import { type Rule } from '../../netfilter/rule-set.js'
import { KERNEL_FILTER_PROBES, KERNEL_NAT_PROBES, PROBE_CHAIN, PROBE_DNAT, type ProbeRules } from '../probe-rules.js'

/**
 * One rule for each kind of match and target that iptables mode uses.
 * @param servesAll false: only what most Services need; those with session affinity are left out and reported
 */
export function iptablesProbeRules(family: IpFamily, servesAll: boolean): ProbeRules {
  const affinity: Rule = {
    recent: { list: PROBE_CHAIN, action: 'check', seconds: 1 },
    target: { kind: 'RETURN' },
  }
  return new Map([
    [
      'nat',
      [
        ...KERNEL_NAT_PROBES,
        { protocol: 'TCP', destinationPort: 80, toThisNode: true, target: PROBE_DNAT[family] },
        { oneIn: 2, target: { kind: 'RETURN' } },
        ...(servesAll ? [affinity] : []),
      ],
    ],
    ['filter', KERNEL_FILTER_PROBES],
  ])
}

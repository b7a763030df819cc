import { type IpFamily } from '../../model/address.js'
import { type Rule } from '../../netfilter/rule-set.js'
import { type KernelTools } from '../../system/kernel-tools.js'
import {
  KERNEL_FILTER_PROBES,
  KERNEL_NAT_PROBES,
  PROBE_CHAIN,
  PROBE_DNAT,
  type ProbeRules,
  probeFamilies,
  probeRules,
} from '../probe-rules.js'

/**
 * Checks whether iptables mode works on this node.
 * @param mustServeAll whether another mode can serve Services with session affinity if this mode cannot
 * @returns why not; undefined if it works
 */
export function probeIptablesMode(
  { iptables }: Pick<KernelTools, 'iptables'>,
  mustServeAll: boolean,
): Promise<string | undefined> {
  return probeFamilies(iptables, each => probeRules(iptablesProbeRules(each.family, mustServeAll), each))
}

/** One rule for each kind of match and target that the mode uses. Without `mustServeAll`, only those that most Services need. */
export function iptablesProbeRules(family: IpFamily, mustServeAll = true): ProbeRules {
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
        ...(mustServeAll ? [affinity] : []),
      ],
    ],
    ['filter', KERNEL_FILTER_PROBES],
  ])
}

import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../model/address.js'
import { type Frontend } from '../frontends/frontend.js'
import { type Protocol } from '../model/protocol.js'
import { type FlowEnd, type FlowEntry, type FlowRemoval } from '../system/conntrack.js'

/** An address and port that clients send to: a cluster, external or load-balancer IP, or a node port. */
export interface FlowAddress {
  readonly protocol: Protocol
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** An address with the sources that may reply to its clients: more than one if a policy treats clients differently. */
export interface FlowTarget extends FlowAddress {
  readonly replySources: readonly FlowEnd[]
}

/** The flows that the rules of a mode allow. */
export interface ExpectedFlows {
  readonly targets: readonly FlowTarget[]
  /** Addresses that are no longer served. One that is in `targets` too is served again. */
  readonly removed: readonly FlowAddress[]
  /**
   * Addresses on which rules serve node ports. Without loopback, where a listener on the node port itself replies: its
   * entries are never stale.
   */
  readonly nodeAddresses: ReadonlySet<IpAddress>
  /**
   * Whether rules were missing. Then each flow without an answer is stale: one with the right endpoint may have begun without the rule
   * that masquerades it, and its next packet begins again, under all rules.
   */
  readonly isRepair?: boolean
}

/**
 * The conntrack entries of flows that the rules would now send elsewhere: the destination is an address of a Service, and the
 * replies come from a source that is not expected. That source may be an old proxy port or endpoint, or the destination
 * itself, if the first datagram came before the rule.
 *
 * A flow from any expected source stays, even if a policy would now choose another one: as in kube-proxy, a policy does not
 * break established flows (pkg/proxy/conntrack/cleanup.go). Entries of other destinations are never touched.
 */
export function staleFlows(
  entries: readonly FlowEntry[],
  { targets, removed, nodeAddresses, isRepair = false }: ExpectedFlows,
): FlowRemoval[] {
  const expected = new Map<string, Set<string>>()
  for (const address of removed) expected.set(flowAddressKey(address), new Set())
  for (const target of targets) {
    const key = flowAddressKey(target)
    const sources = target.replySources.map(source => hostPort(source.address, source.port))
    expected.set(key, new Set([...(expected.get(key) ?? []), ...sources]))
  }
  return entries.flatMap((entry): readonly FlowRemoval[] => {
    const { protocol, destination, replySource, isUnanswered } = entry
    const { address, port } = destination
    // An address of a Service wins over a node port at the same address, as in the rules.
    const sources =
      expected.get(flowAddressKey({ protocol, address, port })) ??
      (nodeAddresses.has(address) ? expected.get(flowAddressKey({ protocol, address: undefined, port })) : undefined)
    if (sources === undefined) return []
    if (!isExpectedSource(sources, replySource)) return [entry]
    if (!isRepair) return []
    if (protocol === 'TCP') return [entry]
    return isUnanswered === true ? [{ ...entry, isAlone: true }] : []
  })
}

/** A listener on the unspecified address replies from the node's address that the rules sent the flow to. */
function isExpectedSource(expected: ReadonlySet<string>, { address, port }: FlowEnd): boolean {
  return expected.has(hostPort(address, port)) || expected.has(hostPort(unspecifiedAddress(familyOf(address)), port))
}

/** The address that clients of a frontend send to. */
export function flowAddress({ servicePort: { protocol }, address, port }: Frontend): FlowAddress {
  return { protocol, address, port }
}

/** A text that equal addresses share. */
export function flowAddressKey({ protocol, address, port }: FlowAddress): string {
  return `${protocol} ${address === undefined ? `node port ${port}` : hostPort(address, port)}`
}

import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../model/address.js'
import { type FlowEnd, type UdpEntry } from '../system/conntrack.js'

/** An address and port that clients send UDP to: a cluster, external or load-balancer IP, or a node port. */
export interface FlowAddress {
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** An address with the sources that may reply to its clients: more than one if a policy treats clients differently. */
export interface FlowTarget extends FlowAddress {
  readonly replySources: readonly FlowEnd[]
}

/** The UDP flows that the rules of a mode allow. */
export interface ExpectedFlows {
  readonly targets: readonly FlowTarget[]
  /** Addresses that are no longer served. One that is in `targets` too is served again. */
  readonly removed: readonly FlowAddress[]
  /**
   * Addresses on which rules serve node ports. Without loopback, where a listener on the node port itself replies: its
   * entries are never stale.
   */
  readonly nodeAddresses: ReadonlySet<IpAddress>
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
  entries: readonly UdpEntry[],
  { targets, removed, nodeAddresses }: ExpectedFlows,
): UdpEntry[] {
  const expected = new Map<string, Set<string>>()
  for (const { address, port } of removed) expected.set(addressKey(address, port), new Set())
  for (const { address, port, replySources } of targets) {
    const key = addressKey(address, port)
    const sources = replySources.map(source => hostPort(source.address, source.port))
    expected.set(key, new Set([...(expected.get(key) ?? []), ...sources]))
  }
  return entries.filter(({ destination, replySource }) => {
    const { address, port } = destination
    // An address of a Service wins over a node port at the same address, as in the rules.
    const sources =
      expected.get(addressKey(address, port)) ??
      (nodeAddresses.has(address) ? expected.get(addressKey(undefined, port)) : undefined)
    return sources !== undefined && !isExpectedSource(sources, replySource)
  })
}

/** A listener on the unspecified address replies from the node's address that the rules sent the flow to. */
function isExpectedSource(expected: ReadonlySet<string>, { address, port }: FlowEnd): boolean {
  return expected.has(hostPort(address, port)) || expected.has(hostPort(unspecifiedAddress(familyOf(address)), port))
}

function addressKey(address: IpAddress | undefined, port: number): string {
  return address === undefined ? `node port ${port}` : hostPort(address, port)
}

import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../model/address.js'
import { type FlowEnd, type UdpEntry } from '../system/conntrack.js'

/** An address and port that clients send UDP to: a cluster, external or load-balancer IP, or a node port. */
export interface FlowAddress {
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** A destination with the listeners that its rules lead to now; more than one where a policy tells clients apart. */
export interface FlowTarget extends FlowAddress {
  readonly replySources: readonly FlowEnd[]
}

export interface ExpectedFlows {
  readonly targets: readonly FlowTarget[]
  /** Destinations that were served and are no more. One that is in `portals` too is served again. */
  readonly removed: readonly FlowAddress[]
  /**
   * Addresses on which node ports are served by rules. Without loopback: there the listener that holds the node port answers
   * by itself, and its entries are as they should be.
   */
  readonly nodeAddresses: ReadonlySet<IpAddress>
}

/**
 * The entries that keep a flow away from where our rules lead: its destination is ours, and its answers come from elsewhere.
 * That may be a proxy port of former times, or the destination itself, when the first datagram came before the rule.
 *
 * A flow to any of the present listeners stays, also when a policy would send it to another one today: as in kube-proxy,
 * policy does not break what is established (pkg/proxy/conntrack/cleanup.go). Entries to anything that is not ours are never
 * touched.
 */
export function staleFlows(
  entries: readonly UdpEntry[],
  { targets, removed, nodeAddresses }: ExpectedFlows,
): UdpEntry[] {
  const expected = new Map<string, Set<string>>()
  for (const destination of removed) expected.set(addressKey(destination.address, destination.port), new Set())
  for (const { address, port, replySources } of targets) {
    const name = addressKey(address, port)
    expected.set(
      name,
      new Set([...(expected.get(name) ?? []), ...replySources.map(end => hostPort(end.address, end.port))]),
    )
  }
  return entries.filter(({ destination, replySource }) => {
    const { address, port } = destination
    // An address of its own goes before a node port, as it does in the rules.
    const listeners =
      expected.get(addressKey(address, port)) ??
      (nodeAddresses.has(address) ? expected.get(addressKey(undefined, port)) : undefined)
    return listeners !== undefined && !isExpectedSource(listeners, replySource)
  })
}

/** A listener on the unspecified address answers from whichever address of the node the flow was led to. */
function isExpectedSource(expected: ReadonlySet<string>, { address, port }: FlowEnd): boolean {
  return expected.has(hostPort(address, port)) || expected.has(hostPort(unspecifiedAddress(familyOf(address)), port))
}

function addressKey(address: IpAddress | undefined, port: number): string {
  return address === undefined ? `node port ${port}` : hostPort(address, port)
}

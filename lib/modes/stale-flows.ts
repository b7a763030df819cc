import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../model/address.js'
import { type FlowEnd, type UdpEntry } from '../system/conntrack.js'

/** An address and port that clients send UDP to: a cluster, external or load-balancer IP, or a node port. */
export interface FlowDestination {
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** A destination with the listeners that its rules lead to now; more than one where a policy tells clients apart. */
export interface LedDestination extends FlowDestination {
  readonly listeners: readonly FlowEnd[]
}

export interface FlowPortals {
  readonly portals: readonly LedDestination[]
  /** Destinations that were served and are no more. One that is in `portals` too is served again. */
  readonly gone: readonly FlowDestination[]
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
export function staleFlows(entries: readonly UdpEntry[], { portals, gone, nodeAddresses }: FlowPortals): UdpEntry[] {
  const right = new Map<string, Set<string>>()
  for (const destination of gone) right.set(nameOf(destination.address, destination.port), new Set())
  for (const { address, port, listeners } of portals) {
    const name = nameOf(address, port)
    right.set(name, new Set([...(right.get(name) ?? []), ...listeners.map(end => hostPort(end.address, end.port))]))
  }
  return entries.filter(({ destination, replySource }) => {
    const { address, port } = destination
    // An address of its own goes before a node port, as it does in the rules.
    const listeners =
      right.get(nameOf(address, port)) ?? (nodeAddresses.has(address) ? right.get(nameOf(undefined, port)) : undefined)
    return listeners !== undefined && !isListener(listeners, replySource)
  })
}

/** A listener on the unspecified address answers from whichever address of the node the flow was led to. */
function isListener(listeners: ReadonlySet<string>, { address, port }: FlowEnd): boolean {
  return listeners.has(hostPort(address, port)) || listeners.has(hostPort(unspecifiedAddress(familyOf(address)), port))
}

function nameOf(address: IpAddress | undefined, port: number): string {
  return address === undefined ? `node port ${port}` : hostPort(address, port)
}

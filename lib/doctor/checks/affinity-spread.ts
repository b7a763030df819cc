import { type Check, type CheckResult, IRRELEVANT, cannotLook, fine, remark } from '../check.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { type ServiceView } from '../../status/service-view.js'
import { firstOf } from '../first-of.js'
import { endpointsOfPort, portText } from '../port-text.js'

/** Fewer connections show nothing: one client alone is no NAT. */
const MIN_CONNECTIONS = 20
/** From this share on, one address has all connections. */
const MIN_SHARE = 0.9

/** Session affinity does not send all clients to one endpoint, because all have one address. */
export const AFFINITY_SPREAD: Check = {
  code: 'affinity-pins',
  title: 'Session affinity',
  look(facts) {
    const sticky = facts.ports.filter(({ affinitySeconds }) => affinitySeconds !== null)
    if (sticky.length === 0)
      return facts.ports.length === 0 ? IRRELEVANT : fine('none: each connection is picked for itself')
    const crowds = sticky.map(port => crowdOf(port, facts))
    const pinned = crowds.find(crowd => crowd?.isPinned === true)
    if (pinned !== undefined) return pins(pinned, facts)
    if (crowds.every(crowd => crowd === undefined)) return cannotLook('no record of clients can be read here')
    const [first] = crowds.filter(crowd => crowd !== undefined)
    return fine(`ClientIP: ${first!.clients} clients with ${first!.connections} connections are known`)
  },
}

interface Crowd {
  readonly port: ServiceView
  readonly clients: number
  readonly connections: number
  readonly client: string
  readonly endpoint: string
  readonly fromClient: number
  readonly isPinned: boolean
}

/** What is known of the clients of a port. Undefined: nothing. */
function crowdOf(port: ServiceView, { proxy, kernel, endpoints }: DoctorFacts): Crowd | undefined {
  const usable = endpointsOfPort(port, endpoints).filter(({ isUsed }) => isUsed).length
  const crowd = (counts: ReadonlyMap<string, number>, endpointOf: (client: string) => string | undefined): Crowd => {
    const connections = [...counts.values()].reduce((sum, count) => sum + count, 0)
    const [client = '', fromClient = 0] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? []
    const endpoint = endpointOf(client)
    const isPinned =
      endpoint !== undefined && usable > 1 && fromClient >= MIN_CONNECTIONS && fromClient >= MIN_SHARE * connections
    return { port, clients: counts.size, connections, client, endpoint: endpoint ?? '', fromClient, isPinned }
  }
  const isOfPort = (each: { portName: string; protocol: string }): boolean =>
    each.portName === port.portName && each.protocol === port.protocol
  if (proxy.isSeen && proxy.value.overview.carriedBy === 'sockets') {
    const counts = new Map<string, number>()
    for (const { client } of proxy.value.connections.filter(isOfPort)) {
      const ip = client.replace(/:\d+$/, '').replace(/[[\]]/g, '')
      counts.set(ip, (counts.get(ip) ?? 0) + 1)
    }
    return crowd(counts, ip => proxy.value.affinity.find(each => isOfPort(each) && each.client === ip)?.endpoint)
  }
  const lists = kernel.isSeen ? kernel.value.affinity.filter(({ portName }) => portName === port.portName) : []
  if (lists.length === 0) return undefined
  const clients = new Set(lists.flatMap(each => each.clients))
  const [only] = clients
  // The kernel counts the connections of an endpoint, not those of a client.
  const withClients = lists.filter(each => each.clients.length > 0)
  const isOne = clients.size === 1 && withClients.length === 1
  const counts = new Map(isOne ? [[only!, withClients[0]!.connections]] : [...clients].map(client => [client, 1]))
  return crowd(counts, () => (isOne ? withClients[0]!.endpoint : undefined))
}

/** One address may be that of many clients behind NAT, or of one that is busy: only the operator knows. */
function pins({ port, client, endpoint, fromClient, connections }: Crowd, facts: DoctorFacts): CheckResult {
  const { kernel, endpoints } = facts
  const isNode = kernel.isSeen && kernel.value.addresses.includes(client)
  const others = endpointsOfPort(port, endpoints).filter(each => each.isUsed && each.address !== endpoint)
  return remark(
    `${fromClient} of the last ${connections} connections to ${portText(port)} came from ${client}${isNode ? ', an address of this node' : ''}, and session affinity keeps them at ${endpoint}; ` +
      `${firstOf(others.map(({ address }) => address)).join(', ')} get none. That is right for one busy client. If NAT (a gateway, a load balancer, another node) hides many clients behind this address, let the proxy see them`,
  )
}

import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { type IpAddress, familyOf, hostPort } from '../../lib/model/address.js'
import { silentEvents } from '../../lib/model/event-sink.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { type Entrance } from '../../lib/modes/portals.js'
import { entranceKey } from '../../lib/modes/userspace/entrance.js'
import { PortAllocator } from '../../lib/modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../../lib/modes/userspace/proxier.js'
import { type FlowEnd } from '../../lib/system/conntrack.js'
import { type MemoryIptables } from './memory-iptables.js'
import { MemoryListeners } from './memory-listeners.js'
import { type ExpectedPort } from './scenario.js'
import { packetFrom } from './scenario-client.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { type ScenarioGround, type ScenarioSide } from './scenario-side.js'
import { afterNat, tracePacket } from './trace-packet.js'

const PROXY_PORTS = { first: 40_000, last: 40_999 }

/** Packets are led to listeners, and these have the endpoints. */
export class ScenarioUserspace implements ScenarioSide {
  readonly proxier: UserspaceProxier
  readonly #listeners = new MemoryListeners()
  readonly #iptables: readonly MemoryIptables[]
  readonly #snapshot: () => ServiceSnapshot

  constructor({ node, iptables, conntrack, log }: ScenarioGround, snapshot: () => ServiceSnapshot) {
    this.#iptables = iptables
    this.#snapshot = snapshot
    this.proxier = new UserspaceProxier({
      dataPlane: this.#listeners,
      iptables,
      ports: new PortAllocator(PROXY_PORTS, () => 0),
      conntrack,
      events: silentEvents,
      log,
      nodeAddress: family => node.address(family),
      nodeAddresses: family => node.addresses(family),
      surroundings: family => node.surroundings(family),
      localhostNodePorts: family => node.servesNodePortsOnLoopback(family),
    })
  }

  async isAsWritten(): Promise<boolean> {
    for (const rules of this.proxier.rules) if ((await rules.program(true)).changed) return false
    return true
  }

  servedOf(port: ServedPort): ExpectedPort | undefined {
    const spec = this.identityOf(port)
    if (spec === undefined) return undefined
    const { clusterIP, port: number, affinitySeconds } = port.servicePort
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(affinitySeconds === undefined ? {} : { affinity: affinitySeconds }),
      ...(spec.balancer === 'round-robin' ? {} : { balancer: spec.balancer }),
      ...limitsOf(spec),
      endpoints: spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port)),
    }
  }

  /** The listener that a ClusterIP leads to. */
  identityOf({ servicePort }: ServedPort): ListenerSpec | undefined {
    return this.#listeners.plan.get(entranceKey(servicePort.key, servicePort.internalPolicyLocal ? 'local' : 'cluster'))
  }

  flowEnd({ servicePort }: ServedPort, listener: string): FlowEnd | undefined {
    return this.#listeners.plan.get(entranceKey(servicePort.key, listener as Entrance))
  }

  /** Sends a packet on its way and says what becomes of it. */
  answerTo(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketAnswer {
    const sent = packetFrom(client, destination, addresses)
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp' }
    const ofFamily = this.#iptables.find(({ family }) => family === familyOf(destination))
    const verdict = ofFamily === undefined ? 'untouched' : tracePacket(ofFamily.kernel, packet)
    if (verdict === 'dropped' || verdict === 'refused') return { outcome: verdict }
    const arrived = afterNat(packet, verdict)
    const isHere = packet.local.includes(arrived.destination)
    const spec = isHere ? this.#listeners.at(arrived.destination, arrived.port, protocol) : undefined
    if (spec === undefined && verdict === 'untouched') return { outcome: verdict }
    if (spec === undefined) throw new Error(`${destination}:${port} is led to ${verdict}, where nobody listens`)
    const answer = this.#listeners.answer(spec, { source: packet.source, destination })
    if (typeof answer === 'string') return { outcome: answer }
    const served = this.#snapshot().ports.get(spec.key.split('#')[0]!)!
    return { outcome: 'served', servicePort: nameOf(served), endpoints: answer }
  }
}

function limitsOf({
  maxConnections,
  maxConnectionsPerClient,
}: ListenerSpec): Pick<ExpectedPort, 'maxConnections' | 'maxConnectionsPerClient'> {
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxConnectionsPerClient === undefined ? {} : { maxConnectionsPerClient }),
  }
}

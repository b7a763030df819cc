import { nodeOptions } from '../../../lib/modes/mode.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { type IpAddress, familyOf, hostPort } from '../../../lib/model/address.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { type TrafficClass } from '../../../lib/frontends/frontend.js'
import { listenerKey } from '../../../lib/modes/userspace/traffic-classes.js'
import { PortAllocator } from '../../../lib/modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../../../lib/modes/userspace/proxier.js'
import { type FlowEnd } from '../../../lib/system/conntrack.js'
import { type MemoryIptables } from '../kernel/memory-iptables.js'
import { MemoryDataPlane } from '../dataplane/memory-data-plane.js'
import { type ExpectedPort } from './scenario.js'
import { clientPacket } from './client-packet.js'
import { type ExpectedPacket, type PacketOutcome } from './scenario-packets.js'
import { type HarnessDependencies, type ModeHarness } from './mode-harness.js'
import { type Trace, traceOnly } from '../kernel/trace-packet.js'

const PROXY_PORTS = { first: 40_000, last: 40_999 }

/** userspace mode in memory: rules send packets to listeners, and listeners have the endpoints. */
export class UserspaceHarness implements ModeHarness {
  readonly proxier: UserspaceProxier
  readonly #dataPlane = new MemoryDataPlane()
  readonly #iptables: readonly MemoryIptables[]
  readonly #snapshot: () => ServiceSnapshot

  constructor(
    { node, servesNodeAddresses, iptables, conntrack, log }: HarnessDependencies,
    snapshot: () => ServiceSnapshot,
  ) {
    this.#iptables = iptables
    this.#snapshot = snapshot
    this.proxier = new UserspaceProxier({
      dataPlane: this.#dataPlane,
      iptables,
      chainOwners: chainOwners('userspace'),
      portAllocator: new PortAllocator(PROXY_PORTS, () => 0),
      conntrack,
      events: discardEvents,
      log,
      ...nodeOptions(node),
      servesNodeAddresses,
      podAddresses: family => node.getPodAddresses(family),
      httpPorts: [],
    })
  }

  async verifyInSync(): Promise<boolean> {
    for (const rules of this.proxier.rules) if ((await rules.program(true)).changed) return false
    return true
  }

  observe(port: ServedPort): ExpectedPort | undefined {
    const spec = this.getIdentity(port)
    if (spec === undefined) return undefined
    const { clusterIP, port: number, affinitySeconds } = port.servicePort
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(affinitySeconds === undefined ? {} : { affinity: affinitySeconds }),
      ...(spec.balancer === 'round-robin' ? {} : { balancer: spec.balancer }),
      ...connectionLimits(spec),
      endpoints: spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port)),
    }
  }

  /** The listener for the ClusterIP of a service port. */
  getIdentity({ servicePort }: ServedPort): ListenerSpec | undefined {
    return this.#dataPlane.plan.get(listenerKey(servicePort.key, servicePort.internalPolicyLocal ? 'local' : 'cluster'))
  }

  resolveFlowTarget({ servicePort }: ServedPort, listener: string): FlowEnd | undefined {
    return this.#dataPlane.plan.get(listenerKey(servicePort.key, listener as TrafficClass))
  }

  /** Traces a packet through the rules and to the listener. */
  resolvePacket(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketOutcome {
    const sent = clientPacket(client, destination, addresses)
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp' }
    const ofFamily = this.#iptables.find(({ family }) => family === familyOf(destination))
    const untouched: Pick<Trace, 'verdict' | 'destination' | 'port'> = { verdict: 'untouched', destination, port }
    const arrived = ofFamily === undefined ? untouched : traceOnly(ofFamily.tables, packet)
    const { verdict } = arrived
    if (verdict === 'dropped' || verdict === 'refused') return { verdict }
    const isHere = packet.localAddresses.includes(arrived.destination)
    const spec = isHere ? this.#dataPlane.listenerAt(arrived.destination, arrived.port, protocol) : undefined
    if (spec === undefined && verdict === 'untouched') return { verdict, isRefusedByNode: isHere }
    if (spec === undefined) throw new Error(`${destination}:${port} goes to ${verdict}, where no process listens`)
    const answer = this.#dataPlane.firstPacketOutcome(spec, { source: packet.source, destination })
    if (typeof answer === 'string') return { verdict: answer }
    const served = this.#snapshot().ports.get(spec.key.split('#')[0]!)!
    return { verdict: 'served', servicePort: nameOf(served), endpoints: answer }
  }
}

function connectionLimits({
  maxConnections,
  maxConnectionsPerClient,
}: ListenerSpec): Pick<ExpectedPort, 'maxConnections' | 'maxConnectionsPerClient'> {
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxConnectionsPerClient === undefined ? {} : { maxConnectionsPerClient }),
  }
}

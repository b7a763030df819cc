import { ClientFilter, isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import {
  type DataPlane,
  type DataPlaneCounts,
  type DrainReport,
  type ListenerReport,
} from '../../../lib/dataplane/data-plane.js'
import { type Inspection } from '../../../lib/dataplane/inspect-request.js'
import {
  type ListenerPlan,
  type ListenerSpec,
  isPortConflict,
  shouldListen,
} from '../../../lib/dataplane/listener-plan.js'
import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../../../lib/model/address.js'

/** A packet that arrives at a listener. */
export interface ListenerPacket {
  readonly source: IpAddress
  readonly destination: IpAddress
}

/** The endpoints that take turns, or how the listener rejects the client: an open UDP socket can only stay silent. */
export type ListenerOutcome = readonly string[] | 'refused' | 'dropped'

/** Listeners without sockets. Each has the port that it requests; two listeners with one port are an error. */
export class MemoryDataPlane implements DataPlane {
  plan: ListenerPlan = new Map()
  readonly problem = undefined

  apply(plan: ListenerPlan): Promise<ListenerReport> {
    const specs = [...plan.values()]
    for (const [index, spec] of specs.entries()) {
      if (spec.port === 0) throw new Error(`${spec.key} requests no port`)
      const holder = specs.slice(0, index).find(other => other.port === spec.port && isPortConflict(other, spec))
      if (holder !== undefined) throw new Error(`port ${spec.port} belongs to ${holder.key} and to ${spec.key}`)
    }
    this.plan = plan
    return Promise.resolve({ open: new Map([...plan].map(([key, { port }]) => [key, port])), failed: new Map() })
  }

  counts(): DataPlaneCounts {
    const none = { used: 0, limit: 0, waited: 0, shed: 0, evicted: 0 }
    const memory = { heldBack: none, unanswered: none, sendQueue: none, affinity: none }
    return { listeners: [], unserved: 0, descriptors: none, flows: none, dials: none, memory }
  }

  inspect(): Promise<Inspection> {
    return Promise.resolve({ processes: [], missing: [] })
  }

  reserveDescriptors(): void {
    // This plane uses no descriptors.
  }

  drain(): Promise<DrainReport> {
    return Promise.resolve({ cutOff: 0, lostWorkers: 0 })
  }

  /** The listener that receives a packet to an address of this machine. */
  listenerAt(address: IpAddress, port: number, protocol: string): ListenerSpec | undefined {
    return [...this.plan.values()].find(
      spec =>
        spec.port === port &&
        spec.protocol === protocol &&
        (spec.address === address || spec.address === unspecifiedAddress(familyOf(address))),
    )
  }

  /** The outcome of the first packet of a client at a listener; see TcpProxy and UdpProxy. */
  firstPacketOutcome(spec: ListenerSpec, { source, destination }: ListenerPacket): ListenerOutcome {
    if (!shouldListen(spec)) return 'refused'
    const isTcp = spec.protocol === 'TCP'
    const isAccepted = !spec.holdsNodePort || isLoopback(isTcp ? destination : source)
    if (isAccepted && new ClientFilter(spec.sourceRanges).allows(source) && spec.endpoints.length > 0)
      return spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port))
    return isTcp ? 'refused' : 'dropped'
  }
}

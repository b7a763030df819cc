import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type Budgets } from './data-plane.js'
import { type DataPlaneTimings } from './data-plane-timings.js'
import { type EndedConnections } from './ended-connections.js'
import { type Happenings } from './happenings.js'
import { type DescriptorBudget } from './limits/descriptor-budget.js'
import { type DialBudget } from './limits/dial-budget.js'
import { type DialBurst } from './limits/dial-burst.js'
import { type MemoryBudget } from './limits/memory-budget.js'
import { type OwnClients } from './limits/own-clients.js'
import { type ServiceLimits } from './limits/service-limits.js'
import { type ServiceShares } from './limits/service-shares.js'
import { type HeldBackConnections } from './tcp/held-back-connections.js'
import { type ServiceConnections } from './tcp/service-connections.js'
import { type UnpolledConnections } from './tcp/unpolled-connections.js'
import { type BoundSocket } from './transport/bind-options.js'
import { type TcpTransport } from './transport/tcp-transport.js'
import { type UdpTransport } from './transport/udp-transport.js'
import { type UpstreamSockets } from './transport/upstream-sockets.js'
import { type FlowBudget } from './udp/flow-budget.js'
import { type SendBurst } from './udp/send-burst.js'
import { type ServiceFlows } from './udp/service-flows.js'

/** Sockets that another process has bound for this one. That process keeps a copy of each. */
export interface BoundSockets {
  /** Hands out the socket for a listener that opens now; the caller owns it. Undefined: the caller has to bind one itself. */
  take(key: ServicePortKey): BoundSocket | undefined
}

/** What all listeners of one process share. */
export interface ListenerContext {
  readonly log: Log
  readonly clock: Clock
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  readonly descriptorBudget: DescriptorBudget
  readonly dialBudget: DialBudget
  readonly tcpShares: ServiceShares<ServiceConnections>
  readonly udpShares: ServiceShares<ServiceFlows>
  readonly transport: TcpTransport
  readonly udpTransport: UdpTransport
  readonly upstreamSockets: { readonly tcp: UpstreamSockets; readonly udp: UpstreamSockets }
  readonly ownClients: { readonly tcp: OwnClients; readonly udp: OwnClients }
  readonly memory: MemoryBudget
  readonly unpolledConnections: UnpolledConnections
  readonly heldBackConnections: HeldBackConnections
  readonly dialBurst: DialBurst
  readonly flowBudget: FlowBudget
  readonly sendBurst: SendBurst
  readonly serviceLimits: ServiceLimits
  readonly timings: DataPlaneTimings
  readonly endedConnections: EndedConnections
  readonly happenings: Happenings
  /** The number of the next connection or flow. */
  readonly nextConnectionId: () => number
  /** Undefined: listeners bind their sockets themselves. */
  readonly boundSockets: BoundSockets | undefined
  /** Called whenever a connection or flow has ended. */
  readonly onConnectionEnd: () => void
}

/** How much of the budgets of a process is in use. */
export function countBudgets(context: ListenerContext): Budgets {
  const { descriptorBudget, dialBudget, flowBudget, memory, udpTransport } = context
  return {
    descriptors: descriptorBudget.counts(),
    flows: flowBudget.counts(),
    dials: dialBudget.counts(),
    memory: { ...memory.counts(), sendQueue: udpTransport.sendQueue.pool.counts() },
  }
}

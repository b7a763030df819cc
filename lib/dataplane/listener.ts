import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type TrafficCounts } from './data-plane.js'
import { type BoundSocket } from './transport/bound-socket.js'
import { type DescriptorBudget } from './limits/descriptor-budget.js'
import { type DialBudget } from './limits/dial-budget.js'
import { type DialBurst } from './limits/dial-burst.js'
import { type FlowLru } from './udp/flow-lru.js'
import { type HalfClosedLimit } from './limits/half-closed-limit.js'
import { type ListenerSpec } from './listener-plan.js'
import { type UpstreamSockets } from './transport/upstream-sockets.js'
import { type SendBurst } from './udp/send-burst.js'
import { type ServiceLimits } from './limits/service-limits.js'
import { type TcpTransport } from './transport/tcp-transport.js'
import { type UdpTransport } from './transport/udp-transport.js'

/** One held port. */
export interface Listener {
  /** The Service it belongs to: `namespace/name`. */
  readonly service: string
  /** Starts listening. Resolves with the port; rejects with the system's error. Called once. */
  open(): Promise<number>
  /**
   * Takes new endpoints, another affinity or balancer; open connections are not touched, flows of endpoints that are gone end. While
   * there is no endpoint the socket is closed; gives a promise when it has to be opened again, which may fail.
   */
  update(spec: ListenerSpec): Promise<void> | undefined
  /** Stops listening. Connections that are open go on. */
  close(): void
  /** Breaks off what is still open; returns how many that were. */
  abortConnections(): number
  counts(): Readonly<TrafficCounts>
  /** The client address of each open connection or flow. */
  clientAddresses(): Iterable<string>
  /** How many connections a drain has to wait for. */
  countBusy(): number
}

/** Sockets that another process has bound for this one, and keeps a copy of. */
export interface BoundSockets {
  /** The socket of a listener that is to listen now; it is the caller's from then on. Undefined: open one yourself. */
  take(key: ServicePortKey): BoundSocket | undefined
}

/** What all listeners of one process share. */
export interface ListenerContext {
  readonly log: Log
  readonly clock: Clock
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  readonly descriptorBudget: DescriptorBudget
  readonly dialBudget: DialBudget
  readonly transport: TcpTransport
  readonly udpTransport: UdpTransport
  readonly upstreamSockets: { readonly tcp: UpstreamSockets; readonly udp: UpstreamSockets }
  readonly halfClosedLimit: HalfClosedLimit
  readonly dialBurst: DialBurst
  readonly flowLru: FlowLru
  readonly sendBurst: SendBurst
  readonly serviceLimits: ServiceLimits
  readonly timings: DataPlaneTimings
  /** Undefined: listeners bind their sockets themselves. */
  readonly boundSockets: BoundSockets | undefined
  /** Called whenever a connection has ended. */
  readonly onConnectionEnd: () => void
}

/** All times in milliseconds. */
export interface DataPlaneTimings {
  readonly dialSchedule: readonly number[]
  /** TCP: idle time after which the kernel asks a peer whether it is still there; then every second, ten times. */
  readonly keepAliveIdle: number
  /** TCP: how long a connection may be silent of which one direction has ended. */
  readonly halfClosedTimeout: number
  /** TCP: how long an accepted client waits for its turn, for want of a descriptor or of a dial. */
  readonly queueTimeout: number
  /** UDP: how long a flow lives that was never answered, and one that was. */
  readonly udpTimeout: number
  readonly udpStreamTimeout: number
}

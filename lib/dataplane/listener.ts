import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type TrafficCounts } from './data-plane.js'
import { type DescriptorBudget } from './descriptor-budget.js'
import { type FlowOrder } from './flow-order.js'
import { type ListenerSpec } from './listener-plan.js'
import { type OwnSockets } from './own-sockets.js'

/** One held port. */
export interface Listener {
  /** Starts listening. Resolves with the port; rejects with the system's error. Called once. */
  open(): Promise<number>
  /**
   * Takes new endpoints or another affinity; open connections are not touched, flows of endpoints that are gone end. While
   * there is no endpoint the socket is closed; gives a promise when it has to be opened again, which may fail.
   */
  update(spec: ListenerSpec): Promise<void> | undefined
  /** Stops listening. Connections that are open go on. */
  close(): void
  /** Breaks off what is still open; returns how many that were. */
  cutOff(): number
  counts(): Readonly<TrafficCounts>
  /** How many connections a drain has to wait for. */
  busy(): number
}

/** A socket that another process has bound: what `net.Server` takes to listen on, a handle of Node's or a descriptor. */
export type BoundSocket = { readonly _handle: object } | { readonly fd: number }

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
  readonly descriptors: DescriptorBudget
  readonly ownSockets: OwnSockets
  readonly flowOrder: FlowOrder
  readonly timings: DataPlaneTimings
  /** Undefined: listeners bind their sockets themselves. */
  readonly boundSockets: BoundSockets | undefined
  /** Called whenever a connection has ended. */
  readonly onIdle: () => void
}

/** All times in milliseconds. */
export interface DataPlaneTimings {
  readonly dialSchedule: readonly number[]
  /** TCP: idle time after which the kernel asks a peer whether it is still there; then every second, ten times. */
  readonly keepAlive: number
  /** TCP: how long a connection may be silent of which one direction has ended. */
  readonly halfClosed: number
  /** TCP: how long an accepted client waits for a free descriptor. */
  readonly descriptorWait: number
  /** UDP: how long a flow lives that was never answered, and one that was. */
  readonly udpOneWay: number
  readonly udpAnswered: number
}

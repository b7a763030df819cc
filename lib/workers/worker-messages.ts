import { type Budgets, type TrafficCounts } from '../dataplane/data-plane.js'
import { type DataPlaneTimings } from '../dataplane/listener.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ServicePortKey } from '../model/service-port.js'

/** What a worker has to know before its first plan; travels as JSON in its arguments. All times in milliseconds. */
export interface WorkerSettings {
  readonly verbosity: number
  readonly timings: DataPlaneTimings
  /** As in KubeProxyConfig. */
  readonly fastPath: 'auto' | 'off'
  /** Open files that it may have; left out: as many as the kernel lets it. */
  readonly descriptorLimit?: number
  /** Whether its sockets are handed to it, bound; else it binds them itself. */
  readonly passedSockets: boolean
  /** How long it goes on without a control process, and how long open connections may go on after that. */
  readonly orphanTime: number
  readonly drainTimeout: number
  /** Where round robin begins, from 0 (inclusive) to 1 (exclusive); left out: by chance. */
  readonly roundRobinStart?: number
}

/** From the control process. They arrive in the order they were sent. */
export type WorkerCommand =
  /** The sockets of these listeners, in this order, were inherited from the first free descriptor on. Comes first, if at all. */
  | { readonly kind: 'inherited'; readonly keys: readonly ServicePortKey[] }
  /** Comes along with the bound handle that the listener of that key is to listen on. */
  | { readonly kind: 'socket'; readonly key: ServicePortKey }
  /**
   * What is different from the last plan, in parts, so that a long one does not keep connections waiting. It is carried out
   * when the last part has come.
   */
  | {
      readonly kind: 'plan'
      readonly generation: number
      readonly set: readonly ListenerSpec[]
      readonly drop: readonly ServicePortKey[]
      readonly isLast: boolean
    }
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'drain'; readonly timeoutMs: number }

/** Why a listener could not be opened. An Error would lose its system code on the way. */
export interface ListenFailure {
  readonly key: ServicePortKey
  readonly message: string
  readonly systemCode: string | undefined
}

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** A plan has been carried out. */
  | {
      readonly kind: 'report'
      readonly generation: number
      /** Ports that the last report did not have, or had otherwise. */
      readonly opened: readonly (readonly [ServicePortKey, number])[]
      readonly failed: readonly ListenFailure[]
    }
  /** In parts, so that connections pass in between. */
  | {
      readonly kind: 'counts'
      readonly id: number
      readonly traffic: readonly (readonly [ServicePortKey, Readonly<TrafficCounts>])[]
      readonly budgets: Budgets
      readonly isLast: boolean
    }
  | { readonly kind: 'pong' }
  /** All connections have ended or were cut off; the worker ends. */
  | { readonly kind: 'drained'; readonly cutOff: number }

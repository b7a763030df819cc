import { type Budgets, type LiveSettings, type TrafficCounts } from '../dataplane/data-plane.js'
import { type DataPlaneTimings } from '../dataplane/data-plane-timings.js'
import { type Shortage } from '../dataplane/limits/shortage-watch.js'
import { type InspectRequest, type InspectedRow } from '../dataplane/inspect-request.js'
import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'

/** The settings of a worker, passed as JSON in its argument. All times in milliseconds. */
export interface WorkerSettings extends LiveSettings {
  /** How many workers there are. */
  readonly workers: number
  /** As in KubeProxyConfig; absent: text. */
  readonly logFormat?: 'text' | 'json'
  readonly timings: DataPlaneTimings
  /** As in KubeProxyConfig. */
  readonly fastPath: 'auto' | 'off'
  /** The most open files; absent: the kernel's limit. */
  readonly descriptorLimit?: number
  /** Whether the control process passes bound sockets; otherwise the worker binds them itself. */
  readonly passedSockets: boolean
  /** How long an orphan keeps serving, before its open connections may continue for the drain timeout. */
  readonly orphanTime: number
  /** After how long without a ping the worker ends the control process; absent: never. */
  readonly controlTimeout?: number
  /** Whether the worker can make profiles of itself. */
  readonly profiling?: boolean
  /** Where round robin starts, from 0 (inclusive) to 1 (exclusive); absent: at random. */
  readonly roundRobinStart?: number
}

/** A message from the control process. Commands arrive in the order in which they were sent. */
export type WorkerCommand =
  /** The sockets of these listeners were inherited, in this order, from the first free descriptor on. Only as first command. */
  | { readonly kind: 'inherited'; readonly keys: readonly ServicePortKey[] }
  /** Carries the bound handle for the listener with this key. */
  | { readonly kind: 'socket'; readonly key: ServicePortKey }
  /**
   * The differences to the last plan, in parts, so that connections do not wait for a long one. The worker applies them when
   * the last part has arrived.
   */
  | {
      readonly kind: 'plan'
      readonly generation: number
      readonly set: readonly ListenerSpec[]
      readonly drop: readonly ServicePortKey[]
      readonly isLast: boolean
    }
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'inspect'; readonly id: number; readonly request: InspectRequest }
  | { readonly kind: 'profile'; readonly id: number; readonly request: ProfileRequest }
  | { readonly kind: 'ping' }
  | { readonly kind: 'settings'; readonly settings: LiveSettings }
  | { readonly kind: 'drain'; readonly timeoutMs: number }

/** Why a listener could not be opened. An Error would lose its system code in the message. */
export interface ListenFailure {
  readonly key: ServicePortKey
  readonly message: string
  readonly systemCode: string | undefined
}

/** Some rows of an answer to an inspect command. */
export interface InspectedPart {
  readonly what: InspectRequest['what']
  readonly rows: readonly InspectedRow[]
}

/** A message from a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** The worker has applied a plan. */
  | {
      readonly kind: 'report'
      readonly generation: number
      /** Ports that are new or different since the last report. */
      readonly opened: readonly (readonly [ServicePortKey, number])[]
      readonly failed: readonly ListenFailure[]
    }
  /** In parts, so that connections do not wait for all of them. */
  | {
      readonly kind: 'counts'
      readonly id: number
      readonly traffic: readonly (readonly [ServicePortKey, Readonly<TrafficCounts>])[]
      readonly budgets: Budgets
      readonly isLast: boolean
    }
  /** In parts, too. */
  | { readonly kind: 'inspected'; readonly id: number; readonly answer: InspectedPart; readonly isLast: boolean }
  | { readonly kind: 'profile'; readonly id: number; readonly profile: RawProfile }
  | { readonly kind: 'pong' }
  /** Something is short in this worker. */
  | { readonly kind: 'shortage'; readonly shortage: Shortage }
  /** All connections have ended or were closed at the timeout; the worker exits. */
  | { readonly kind: 'drained'; readonly cutOff: number }

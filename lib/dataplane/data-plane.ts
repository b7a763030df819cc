import { type ReachedLimit } from '../balancer/connection-limit.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type HealthProblem } from '../model/health-problem.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { type ServicePortKey } from '../model/service-port.js'
import { isOutOfDescriptors } from './transport/socket-error.js'
import { type InspectRequest, type Inspection } from './inspect-request.js'
import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from './listener-plan.js'

/** The result of applying a plan. */
export interface ListenerReport {
  /** The port of each open listener. */
  readonly open: ReadonlyMap<ServicePortKey, number>
  /** Listeners that could not be opened: PROXY_PORT_UNAVAILABLE or DESCRIPTORS_EXHAUSTED, with the system's error as its cause. */
  readonly failed: ReadonlyMap<ServicePortKey, ProxyFailure>
}

/** Totals of one listener since it was made; `active` and `ejected` are gauges. */
export interface TrafficCounts {
  /** TCP connections accepted, or UDP flows opened. */
  connections: number
  /** Connections or flows that are open now. */
  active: number
  bytesToEndpoint: number
  bytesToClient: number
  /** Failed attempts to reach an endpoint. A successful attempt may have followed. */
  dialFailures: number
  /** TCP clients and UDP datagrams that were refused: no endpoint, none reachable, a limit, or a budget that was used up. */
  refused: number
  /** How often an endpoint was ejected: after a failure it got no new clients for a while. */
  ejections: number
  /** Endpoints that are ejected now. */
  ejected: number
  /** Of the refused: those above the connection limit of the Service. */
  shedAtServiceLimit: number
  /** Of the refused: those above the connection limit of one client. */
  shedAtClientLimit: number
}

/** The counts of a new listener. */
export function zeroTrafficCounts(): TrafficCounts {
  return {
    connections: 0,
    active: 0,
    bytesToEndpoint: 0,
    bytesToClient: 0,
    dialFailures: 0,
    refused: 0,
    ejections: 0,
    ejected: 0,
    shedAtServiceLimit: 0,
    shedAtClientLimit: 0,
  }
}

/** Counts a client that a connection limit turned away. The caller also counts it as refused. */
export function countShed(counts: TrafficCounts, limit: ReachedLimit): void {
  if (limit === 'service-limit') counts.shedAtServiceLimit++
  else counts.shedAtClientLimit++
}

/** The counts of one listener, with the names of its Service. */
export interface ListenerCounts {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: 'TCP' | 'UDP'
  /** How many endpoints may be picked. */
  readonly endpoints: number
  /** Whether the Service has a connection limit. */
  readonly limited: boolean
  readonly traffic: Readonly<TrafficCounts>
}

/** Puts the counts of a listener together with what its spec says of it. */
export function buildListenerCounts(spec: ListenerSpec, traffic: Readonly<TrafficCounts>): ListenerCounts {
  const { key, namespace, service, portName, protocol, endpoints } = spec
  const limited = hasConnectionLimit(spec)
  return { key, namespace, service, portName, protocol, endpoints: endpoints.length, limited, traffic }
}

/** How much of a limited resource is in use. */
export interface BudgetCounts {
  readonly used: number
  readonly limit: number
  /** Clients that had to wait for it, since start. */
  readonly waited: number
  /** Clients that were turned away because none was left, since start. */
  readonly shed: number
}

/** The same for a resource of which Services have shares. */
export interface SharedBudgetCounts extends BudgetCounts {
  /** Idle connections and flows that ended to make room for others, since start. */
  readonly evicted: number
}

/** Bytes of memory that clients and endpoints make the data plane hold, by purpose. */
export interface MemoryCounts {
  /** Data of TCP connections whose receiver does not take it. */
  readonly heldBack: SharedBudgetCounts
  /** Datagrams that an endpoint has not answered. */
  readonly unanswered: SharedBudgetCounts
  /** Datagrams that the kernel does not take at once. */
  readonly sendQueue: SharedBudgetCounts
  /** Clients of Services with ClientIP affinity. */
  readonly affinity: SharedBudgetCounts
}

/** What the processes that hold the sockets may use for all listeners together. */
export interface Budgets {
  /** File descriptors of the data plane. */
  readonly descriptors: SharedBudgetCounts
  /** UDP flows; each has a source port of the node. */
  readonly flows: SharedBudgetCounts
  /** Dials in progress: TCP clients that are being connected to an endpoint. */
  readonly dials: BudgetCounts
  readonly memory: MemoryCounts
}

/** The worker processes that hold the sockets. */
export interface WorkerCounts {
  readonly running: number
  /** Workers that replaced one that had ended. */
  readonly restarts: number
  /** The processes that exist now, running or starting, by the number of their worker. */
  readonly processes: readonly { readonly worker: number; readonly pid: number }[]
}

/** The counts of a whole data plane. */
export interface DataPlaneCounts extends Budgets {
  readonly listeners: readonly ListenerCounts[]
  /** Listeners of the plan that could not be opened. */
  readonly unserved: number
  /** Absent when this process holds the sockets itself. */
  readonly workers?: WorkerCounts
}

/** Makes profiles of the worker processes. */
export interface WorkerProfiles {
  /** The numbers of the workers. */
  readonly workers: readonly number[]
  /** Rejects if the worker does not run or does not reply in time. */
  take(worker: number, request: ProfileRequest): Promise<RawProfile>
}

/** The result of a drain. */
export interface DrainReport {
  /** Connections that were aborted because the time was over. */
  readonly cutOff: number
  /** Worker processes that ended, or hung, before their connections had ended: these are cut, too. */
  readonly lostWorkers: number
}

/** Settings that may change while a data plane runs. */
export interface LiveSettings {
  /** The level up to which other processes of the data plane log. */
  readonly verbosity: number
  /** How long their open connections may continue when this process has exited, in milliseconds. */
  readonly drainTimeout: number
}

/** Holds the sockets. It knows listeners and endpoints; it does not know the API or rules, and of a Service only the name. */
export interface DataPlane {
  /**
   * Makes the plan true: opens new listeners, gives new endpoints to open ones, closes those that are not in the plan. Changes of
   * endpoints do not wait for listeners that have to open. Connections of a closed listener go on.
   * @throws ProxyFailure if nothing serves the plan at the moment, so that rules must stay as they are
   */
  apply(plan: ListenerPlan): Promise<ListenerReport>
  /** From now on, no plan waits for a process that starts: `apply` rejects at once if none runs. Absent if there are none. */
  endWaits?(): void
  counts(): DataPlaneCounts | Promise<DataPlaneCounts>
  /** Asks every process that holds sockets. It says which did not reply in time. */
  inspect(request: InspectRequest): Promise<Inspection>
  /** What keeps the sockets from being served; undefined: nothing. */
  readonly problem: HealthProblem | undefined
  /** Absent when this process holds the sockets itself. */
  readonly workerProfiles?: WorkerProfiles
  /** Leaves this many file descriptors of the calling process to its other parts, besides the fixed reserve. */
  reserveDescriptors(descriptors: number): void
  /** Changes the settings of other processes of the data plane; absent if it has none. */
  changeSettings?(settings: LiveSettings): void
  /**
   * Stops accepting connections, waits until the open ones have ended or `timeoutMs` milliseconds have passed, then aborts the
   * rest. A later call with another time replaces an earlier one.
   */
  drain(timeoutMs: number): Promise<DrainReport>
}

/** The failure of a listener that could not open its port. The cause is the system's error. */
export function portUnavailable(spec: ListenerSpec, cause: unknown): ProxyFailure {
  if (isOutOfDescriptors(cause))
    return new ProxyFailure('DESCRIPTORS_EXHAUSTED', `Cannot listen for ${spec.key}: ${messageOf(cause)}`, {
      cause,
      hint: 'Raise the limit of open files (ulimit -n, LimitNOFILE); the proxy keeps trying',
    })
  const port = spec.port === 0 ? 'chosen by the kernel' : spec.port
  return new ProxyFailure(
    'PROXY_PORT_UNAVAILABLE',
    `Cannot listen on ${spec.address}, ${spec.protocol} port ${port}, for ${spec.key}: ${messageOf(cause)}`,
    { cause, hint: 'Free the port, or choose others with --proxy-port-range; the proxy keeps trying' },
  )
}

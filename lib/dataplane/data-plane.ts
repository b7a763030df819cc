import { type ReachedLimit } from '../balancer/connection-limit.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type ListenerPlan, type ListenerSpec, hasConnectionLimit } from './listener-plan.js'

/** What became of a plan. */
export interface ListenerReport {
  /** The port that each open listener really holds. */
  readonly open: ReadonlyMap<ServicePortKey, number>
  /** Listeners that could not be opened: PROXY_PORT_UNAVAILABLE, with the system's error as cause. */
  readonly failed: ReadonlyMap<ServicePortKey, ProxyFailure>
}

/** Totals of one listener since it was opened; `active` and `ejected` are gauges. */
export interface TrafficCounts {
  /** TCP connections accepted, or UDP flows opened. */
  connections: number
  active: number
  bytesToEndpoint: number
  bytesToClient: number
  /** Attempts to reach an endpoint that failed; each may have been followed by a successful one. */
  dialFailures: number
  /** Clients that were turned away: no endpoint, none reachable, a limit, or a budget that was used up. */
  refused: number
  /** Times an endpoint got no new clients for a while, for having failed. */
  ejections: number
  /** Endpoints of which that is so now; a gauge. */
  ejected: number
  /** Of the refused: clients (UDP: datagrams) that came when the Service, or the client, had as many as it may have. */
  shedAtServiceLimit: number
  shedAtClientLimit: number
}

/** The counts of a listener that has just been opened. */
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

/** Counts a client that was turned away at a limit, apart from counting it as refused. */
export function countShed(counts: TrafficCounts, limit: ReachedLimit): void {
  if (limit === 'service-limit') counts.shedAtServiceLimit++
  else counts.shedAtClientLimit++
}

/** What is counted of one listener. */
export interface ListenerCounts {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: 'TCP' | 'UDP'
  /** Endpoints that may be picked. */
  readonly endpoints: number
  /** Whether the Service has a limit of connections. */
  readonly limited: boolean
  readonly traffic: Readonly<TrafficCounts>
}

export function buildListenerCounts(spec: ListenerSpec, traffic: Readonly<TrafficCounts>): ListenerCounts {
  const { key, namespace, service, portName, protocol, endpoints } = spec
  const limited = hasConnectionLimit(spec)
  return { key, namespace, service, portName, protocol, endpoints: endpoints.length, limited, traffic }
}

/** What is counted of something that there are only so many of. */
export interface BudgetCounts {
  readonly used: number
  readonly limit: number
  /** Clients that waited for one, since start. */
  readonly waited: number
  /** Clients that were turned away for want of one, since start. */
  readonly shed: number
}

/** What the processes that hold the sockets may spend on all listeners together. */
export interface Budgets {
  /** File descriptors, as far as the data plane spends them. */
  readonly descriptors: BudgetCounts
  /** Dials that are in progress: TCP clients for whom an endpoint is being connected. */
  readonly dials: BudgetCounts
}

/** Processes that hold the sockets in place of the one that is asked. */
export interface WorkerCounts {
  readonly running: number
  /** Workers that were started in place of one that had ended. */
  readonly restarts: number
}

export interface DataPlaneCounts extends Budgets {
  readonly listeners: readonly ListenerCounts[]
  /** Left out: there are none, and this process holds the sockets itself. */
  readonly workers?: WorkerCounts
}

/**
 * Holds the sockets. It knows listeners and endpoints, and nothing of the API, of rules or of Services beyond their name.
 */
export interface DataPlane {
  /**
   * Makes the plan true: opens what is missing, hands new endpoints to what is open, closes what is not in it. Endpoint
   * changes wait for nothing that has to be opened. Connections of a closed listener go on.
   */
  apply(plan: ListenerPlan): Promise<ListenerReport>
  counts(): DataPlaneCounts | Promise<DataPlaneCounts>
  /** Leaves so many file descriptors of the calling process to others, besides those that everybody needs. */
  reserveDescriptors(descriptors: number): void
  /**
   * Stops taking new connections, waits until those that are open have ended or `timeoutMs` milliseconds have passed,
   * then closes what is left. Returns how many were cut off.
   */
  drain(timeoutMs: number): Promise<number>
}

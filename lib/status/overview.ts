import { type DataPlaneCounts } from '../dataplane/data-plane.js'
import { type AnsweringProxy, STATUS_API_VERSION } from './status-document.js'
import { type ProxyState } from './status-sources.js'
import { type SyncView } from './sync-history.js'

/** The proxy at a glance. */
export interface Overview extends AnsweringProxy {
  readonly apiVersion: typeof STATUS_API_VERSION
  readonly kind: 'Overview'
  readonly nodeName: string
  readonly pid: number
  /** As in RFC 3339. */
  readonly startedAt: string
  /** See `LIFE_STATES`. */
  readonly state: string
  readonly isHealthy: boolean
  readonly problems: readonly string[]
  readonly services: number
  readonly servicePorts: number
  readonly portsWithoutEndpoints: number
  /** Null: the kernel carries connections, and the proxy does not see them. */
  readonly traffic: {
    readonly workers: number
    /** TCP connections and UDP flows since the start. */
    readonly connections: number
    readonly open: number
    readonly refused: number
    readonly dialFailures: number
    readonly ejected: number
  } | null
  /** Null: there was none. */
  readonly lastSync: SyncView | null
  /** The paths of this API. */
  readonly paths: readonly string[]
}

/** What an overview is made from. */
export interface OverviewInput {
  readonly proxy: AnsweringProxy
  readonly nodeName: string
  readonly pid: number
  readonly startedAt: number
  readonly state: ProxyState
  readonly ports: readonly { readonly service: string; readonly hasEndpoints: boolean }[]
  readonly counts: DataPlaneCounts | undefined
  readonly syncs: readonly SyncView[]
  readonly paths: readonly string[]
}

/** Makes it. */
export function overview({
  proxy,
  nodeName,
  pid,
  startedAt,
  state,
  ports,
  counts,
  syncs,
  paths,
}: OverviewInput): Overview {
  return {
    ...{ apiVersion: STATUS_API_VERSION, kind: 'Overview', ...proxy, nodeName, pid },
    startedAt: new Date(startedAt).toISOString(),
    state: state.life,
    isHealthy: state.isHealthy,
    problems: state.problems,
    services: new Set(ports.map(({ service }) => service)).size,
    servicePorts: ports.length,
    portsWithoutEndpoints: ports.filter(({ hasEndpoints }) => !hasEndpoints).length,
    traffic: counts === undefined ? null : trafficOf(counts),
    lastSync: syncs.at(-1) ?? null,
    paths,
  }
}

function trafficOf({ listeners, workers }: DataPlaneCounts): NonNullable<Overview['traffic']> {
  const sum = (of: 'connections' | 'active' | 'refused' | 'dialFailures' | 'ejected'): number =>
    listeners.reduce((total, { traffic }) => total + traffic[of], 0)
  return {
    workers: workers?.running ?? 0,
    connections: sum('connections'),
    open: sum('active'),
    refused: sum('refused'),
    dialFailures: sum('dialFailures'),
    ejected: sum('ejected'),
  }
}

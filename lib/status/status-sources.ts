import { type DataPlaneCounts } from '../dataplane/data-plane.js'
import { type InspectRequest, type Inspection } from '../dataplane/inspect-request.js'
import { type Frontend } from '../frontends/frontend.js'
import { type ServedFrontends } from '../frontends/frontend-table.js'
import { type IpFamily } from '../model/address.js'
import { type ServiceSnapshot } from '../model/snapshot.js'
import { type EndpointsExplanation } from '../snapshot/explain-endpoints.js'
import { type ServicePort, type ServicePortKey } from '../model/service-port.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type AnsweringProxy } from './status-document.js'
import { type SyncHistory } from './sync-history.js'

/** How the proxy is now. */
export interface ProxyState {
  /** See `LIFE_STATES`. */
  readonly life: string
  readonly isHealthy: boolean
  readonly problems: readonly string[]
}

/** Who sends, and where to, as text. */
export interface ExplainQuestion {
  readonly from: string
  readonly to: string
  /** Of a Service that is named without one. */
  readonly namespace: string
  /** One of `modes`; undefined: the one that serves. */
  readonly mode: string | undefined
}

/** Everything that answers are made from. It is asked only when a client asks. */
export interface StatusSources {
  readonly proxy: AnsweringProxy
  /** The names of all modes that can explain a packet. */
  readonly modes: readonly string[]
  readonly nodeName: string
  readonly pid: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly syncs: Pick<SyncHistory, 'syncs' | 'subscribe'>
  state(): ProxyState
  snapshot(): ServiceSnapshot
  served(): ServedFrontends | undefined
  explainEndpoints(servicePort: ServicePort): EndpointsExplanation
  /** The rules in the kernel with their counters. @throws ProxyFailure */
  readRules(): Promise<readonly (readonly [IpFamily, RuleTables])[]>
  /** Whether the mode that serves owns a chain. */
  ownsChain(table: string, chain: string): boolean
  /** Undefined if the kernel carries connections. */
  counts(): Promise<DataPlaneCounts> | undefined
  /** The same. */
  inspect(request: InspectRequest): Promise<Inspection> | undefined
  /** Explains the way of a packet, in at most some 100 kB. @throws ProxyFailure EXPLAIN_INVALID for a wrong question */
  explain(question: ExplainQuestion): Promise<object>
  /** See `Proxier`. */
  frontendsByListener(): ReadonlyMap<ServicePortKey, readonly Frontend[]>
  /** Milliseconds since 1970. */
  wallTime(): number
}

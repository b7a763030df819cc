import { type IpAddress } from '../model/address.js'
import { type ObjectName } from '../model/objects.js'
import { type AffinityView } from '../status/affinity-view.js'
import { type ConnectionView } from '../status/connection-view.js'
import { type EndpointView } from '../status/endpoint-view.js'
import { type ListenerView } from '../status/listener-view.js'
import { type Overview } from '../status/overview.js'
import { type ServiceView } from '../status/service-view.js'
import { type ConntrackUsage } from '../system/conntrack-usage.js'
import { type DnsAnswer } from './ask-dns.js'
import { type PodFacts } from './decode-pod.js'
import { type ServiceSpec } from './decode-spec.js'
import { type KernelFacts } from './kernel-facts.js'
import { type EndpointProbe } from './probe-endpoints.js'
import { type Seen } from './seen.js'

/** The ports of a Service and their endpoints, in the form in which the status API gives them. */
export interface PortFacts {
  readonly ports: readonly ServiceView[]
  readonly endpoints: readonly EndpointView[]
}

/** What the running proxy answers about one Service. */
export interface ProxyFacts extends PortFacts {
  readonly overview: Overview
  /** Why it has no such Service, in its words; undefined: it has. */
  readonly missing: string | undefined
  readonly listeners: readonly ListenerView[]
  readonly affinity: readonly AffinityView[]
  /** Open ones, and the last that have ended. */
  readonly connections: readonly ConnectionView[]
  /** The cluster DNS that it serves; undefined: none. */
  readonly clusterDns: IpAddress | undefined
}

/** What objects say, from the API server or from files. */
export interface ObjectFacts extends PortFacts {
  /** Where they come from: `The API server https://…`. */
  readonly origin: string
  /** Whether they come from files, which may have only some objects, or old ones. */
  readonly isFromFiles: boolean
  /** Undefined: there is no such Service. */
  readonly service: ServiceSpec | undefined
  /** The Services that exist, if this one does not. */
  readonly existing: readonly ObjectName[]
  /** The Pods that the selector matches, and some others of the namespace if it matches none. */
  readonly pods: Seen<{ readonly matching: readonly PodFacts[]; readonly others: readonly PodFacts[] }>
}

/** Everything that the checks decide by. */
export interface DoctorFacts extends PortFacts {
  readonly name: ObjectName
  /** The client that has the trouble; undefined: none is named. */
  readonly client: IpAddress | undefined
  readonly proxy: Seen<ProxyFacts>
  readonly objects: Seen<ObjectFacts>
  /** Whether the operator has named an API server or files to read objects from. */
  readonly wantsObjects: boolean
  readonly kernel: Seen<KernelFacts>
  readonly probes: readonly EndpointProbe[]
  readonly dns: Seen<DnsAnswer>
  readonly conntrack: Seen<ConntrackUsage>
}

import { type Protocol } from '../model/protocol.js'
import { type ServicePortKey } from '../model/service-port.js'

/** What of a data plane to look at; `ejected`: only listeners with endpoints that are ejected now. */
export const INSPECTED = ['listeners', 'ejected', 'connections', 'ended', 'affinity'] as const

/** A question to the processes of a data plane. */
export interface InspectRequest {
  readonly what: (typeof INSPECTED)[number]
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined
  /** Name of a Service without namespace; undefined: of all Services. */
  readonly service: string | undefined
  /** The most rows of each process. */
  readonly limit: number
}

/** The listener that a row belongs to. */
export interface ListenerIdentity {
  readonly key: ServicePortKey
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
}

/** One endpoint of one listener, as this process sees it. */
export interface InspectedEndpoint {
  /** `ip:port` */
  readonly address: string
  /** Connections and flows to it, dials included. */
  readonly open: number
  /** How long it gets no new clients, in milliseconds; 0: it gets them. */
  readonly ejectedForMs: number
}

/** One socket that takes clients. */
export interface InspectedListener {
  readonly listener: ListenerIdentity
  readonly address: string
  /** 0: it has not opened yet. */
  readonly port: number
  readonly holdsNodePort: boolean
  /** Connections and flows that are open now. */
  readonly active: number
  readonly endpoints: readonly InspectedEndpoint[]
}

/** How a connection ended. Of UDP flows, only `flow-ended` is known. */
export type EndKind =
  /** In order, by both sides. */
  | 'closed'
  | 'reset-by-client'
  | 'reset-by-endpoint'
  /** This program ended it: a drain, a peer that is gone, or room for others. */
  | 'ended-by-proxy'
  /** No endpoint took the client. */
  | 'refused'
  /** The client left before an endpoint took it. */
  | 'client-left'
  | 'flow-ended'

/** One connection or UDP flow. Times are milliseconds before now. */
export interface InspectedConnection {
  readonly listener: ListenerIdentity
  /** Counts the connections of a process from 1. */
  readonly id: number
  readonly client: string
  readonly clientPort: number
  /** `ip:port`; empty: none yet, or none. */
  readonly endpoint: string
  /** Undefined for one that has ended. */
  readonly state?: 'dialling' | 'open'
  readonly openedMsAgo: number
  /** Undefined: it is open. */
  readonly endedMsAgo?: number
  readonly end?: EndKind
  /** Endpoints that were tried; 0: not known. */
  readonly tries: number
  /** Undefined: not counted for one flow. */
  readonly bytesToEndpoint?: number
  readonly bytesToClient?: number
}

/** The endpoint that a client keeps. */
export interface InspectedAffinity {
  readonly listener: ListenerIdentity
  readonly client: string
  readonly endpoint: string
  /** In how many milliseconds it ends if the client stays silent. */
  readonly leftMs: number
}

/** What a listener says about itself. */
export type InspectedRow = InspectedListener | InspectedConnection | InspectedAffinity

/** The rows of one process. */
export interface InspectedProcess {
  /** Undefined: the process that was asked. */
  readonly worker: number | undefined
  readonly pid: number
  readonly rows: readonly InspectedRow[]
}

/** Whether a request asks for a listener. */
export function isInspected({ namespace, service }: InspectRequest, listener: ListenerIdentity): boolean {
  return (namespace ?? listener.namespace) === listener.namespace && (service ?? listener.service) === listener.service
}

import { type Cidr } from '../model/cidr.js'
import { type Protocol } from '../model/protocol.js'
import { type ServicePortKey } from '../model/service-port.js'

/** What of a data plane to look at. */
export const INSPECTED = ['listeners', 'endpoints', 'connections', 'ended', 'affinity', 'happenings'] as const

/** A question to the processes of a data plane. */
export interface InspectRequest {
  readonly what: (typeof INSPECTED)[number]
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined
  /** Name of a Service without namespace; undefined: of all Services. */
  readonly service: string | undefined
  /** By `portNameOf`; absent: all ports of these Services. */
  readonly ports?: ReadonlySet<string>
  /** Of affinity, only what this client keeps; absent: what all clients keep. */
  readonly client?: string
  /** The most rows of each process. */
  readonly limit: number
  /** Of happenings, only what came after this `sequence` in the process with this id; another process begins to remember them now. */
  readonly happenedAfter?: ReadonlyMap<number, number>
  /** What of the happenings to remember from now on: what passes one of the filters. */
  readonly filters?: readonly HappeningFilter[]
}

/** Lets some happenings pass. What is undefined is not looked at. */
export interface HappeningFilter {
  readonly namespace: string | undefined
  readonly service: string | undefined
  /** Addresses of clients. */
  readonly client: Cidr | undefined
  /** Address of an endpoint. */
  readonly pod: string | undefined
  readonly onlyFailures: boolean
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
  readonly listener: ListenerIdentity
  /** `ip:port` */
  readonly address: string
  /** Connections and flows to it, dials included. */
  readonly open: number
  /** How long it gets no new clients, in milliseconds; 0: it gets them. */
  readonly ejectedForMs: number
  /** How long ago that began; 0: it gets them. */
  readonly ejectedMsAgo: number
  /** Whether the next new client that comes to this process gets it; of several listeners of a port, each has its own. */
  readonly isNext: boolean
}

/** One socket that takes clients. */
export interface InspectedListener {
  readonly listener: ListenerIdentity
  readonly address: string
  /** 0: it has not opened yet. */
  readonly port: number
  readonly holdsNodePort: boolean
  /** Without endpoints the socket is closed. */
  readonly isListening: boolean
  /** Connections and flows that are open now. */
  readonly active: number
}

/** How a connection ended. Of UDP flows, only `flow-ended` and `refused` are known. */
export type EndKind =
  /** In order, by both sides. */
  | 'closed'
  | 'reset-by-client'
  | 'reset-by-endpoint'
  /** This program ended it: a drain, a peer that it found gone, silence after one direction had ended, or room for others. */
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
  /** `ip:port` of the endpoint that took it, or else of the last that was tried; empty: none was. */
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

/** What can happen to clients and endpoints. */
export const HAPPENED = [
  /** An endpoint took the client. */
  'opened',
  /** An endpoint did not take the client; the next one is tried. */
  'retried',
  /** The client, or its datagram, got no endpoint. */
  'refused',
  'ended',
  /** An endpoint gets no new clients for a while. */
  'ejected',
] as const

/** One thing that has happened. Times are milliseconds before now. */
export interface InspectedHappening {
  readonly listener: ListenerIdentity
  readonly what: (typeof HAPPENED)[number]
  /** Counts what has happened in a process from 1; a gap: there was more. */
  readonly sequence: number
  readonly msAgo: number
  /** Number of the connection or flow; 0: there was none yet. */
  readonly id: number
  /** Empty for an ejection. */
  readonly client: string
  readonly clientPort: number
  /** `ip:port` of the endpoint that took the client, or that failed; empty: none was tried. */
  readonly endpoint: string
  /** `ip:port` of the endpoint that is tried next; empty: none is. */
  readonly next: string
  /** Why an endpoint failed, or a client was refused; empty: it did not, and was not. */
  readonly why: string
  /** Endpoints that were tried so far; 0: none, or not known. */
  readonly tries: number
  /** Of what has ended. */
  readonly end?: EndKind
  /** How long an endpoint gets no new clients. */
  readonly forMs?: number
  /** Undefined: there was no connection. */
  readonly openedMsAgo?: number
  /** Undefined: not counted. */
  readonly bytesToEndpoint?: number
  readonly bytesToClient?: number
}

/** What a listener says about itself. */
export type InspectedRow =
  InspectedListener | InspectedEndpoint | InspectedConnection | InspectedAffinity | InspectedHappening

/** Work of about the same length: makes a row, or only looks at something that is not asked for. */
export type InspectStep<Row extends InspectedRow = InspectedRow> = Row | undefined

/** The rows of one process. */
export interface InspectedProcess {
  /** Undefined: the process that was asked. */
  readonly worker: number | undefined
  readonly pid: number
  readonly rows: readonly InspectedRow[]
}

/** What the processes of a data plane answer. */
export interface Inspection {
  readonly processes: readonly InspectedProcess[]
  /** The numbers of the workers that do not run now, or did not reply in time: what they hold is missing. */
  readonly missing: readonly number[]
}

/** One name for all listeners of a port of a Service, in both IP families. */
export function portNameOf({
  namespace,
  service,
  portName,
  protocol,
}: Pick<ListenerIdentity, 'namespace' | 'service' | 'portName' | 'protocol'>): string {
  return `${namespace}/${service}:${portName}/${protocol}`
}

/** Whether a request asks for a listener. */
export function isInspected({ namespace, service, ports }: InspectRequest, listener: ListenerIdentity): boolean {
  return (
    (namespace ?? listener.namespace) === listener.namespace &&
    (service ?? listener.service) === listener.service &&
    (ports?.has(portNameOf(listener)) ?? true)
  )
}

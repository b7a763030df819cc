import {
  type EndKind,
  type InspectedHappening,
  type InspectedProcess,
  type ListenerIdentity,
} from '../dataplane/inspect-request.js'
import { hostPort } from '../model/address.js'
import { type Protocol } from '../model/protocol.js'

/** One thing that has happened to a client or an endpoint. */
export interface HappeningView {
  readonly what: InspectedHappening['what']
  /** As in RFC 3339. */
  readonly at: string
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  /** Number of the worker; null: the control process. */
  readonly worker: number | null
  readonly pid: number
  /** As in `ConnectionView`; null: there was no connection or flow. */
  readonly id: number | null
  /** `ip:port`; null for an ejection. */
  readonly client: string | null
  /** `ip:port` of the endpoint that took the client, or that failed; null: none was tried. */
  readonly endpoint: string | null
  /** `ip:port` of the endpoint that is tried next. */
  readonly nextEndpoint: string | null
  /** Why the endpoint failed, or the client was refused. */
  readonly why: string | null
  /** How a connection has ended. */
  readonly end: EndKind | null
  /** Endpoints that were tried so far; 0: none, or not known, as for UDP. */
  readonly tries: number
  readonly openedAt: string | null
  /** For how long an endpoint is ejected. */
  readonly forMs: number | null
  /** Of what has ended; null for UDP. */
  readonly bytesToEndpoint: number | null
  readonly bytesToClient: number | null
}

/** A row of a process, and what a client gets of it. */
export interface ViewedHappening {
  readonly row: InspectedHappening
  readonly view: HappeningView
}

/**
 * What has happened in all processes, in order.
 * @param now milliseconds since 1970
 */
export function viewHappenings(processes: readonly InspectedProcess[], now: number): ViewedHappening[] {
  const rows = processes.flatMap(process =>
    (process.rows as readonly InspectedHappening[]).map(row => ({ process, row })),
  )
  // The rows of one process are in order: a sort leaves those of one time as they are.
  return rows
    .sort((a, b) => b.row.msAgo - a.row.msAgo)
    .map(({ process, row }) => ({ row, view: happeningView(process, row, now) }))
}

function happeningView({ worker, pid }: InspectedProcess, row: InspectedHappening, now: number): HappeningView {
  const time = (msAgo: number): string => new Date(now - msAgo).toISOString()
  return {
    what: row.what,
    at: time(row.msAgo),
    ...namesOf(row.listener),
    ...{ worker: worker ?? null, pid, id: row.id === 0 ? null : row.id },
    client: row.client === '' ? null : hostPort(row.client, row.clientPort),
    endpoint: textOrNull(row.endpoint),
    nextEndpoint: textOrNull(row.next),
    why: textOrNull(row.why),
    end: row.end ?? null,
    tries: row.tries,
    openedAt: row.openedMsAgo === undefined ? null : time(row.openedMsAgo),
    forMs: row.forMs ?? null,
    bytesToEndpoint: row.bytesToEndpoint ?? null,
    bytesToClient: row.bytesToClient ?? null,
  }
}

function namesOf({ namespace, service, portName, protocol }: ListenerIdentity) {
  return { namespace, service, portName, protocol }
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text
}

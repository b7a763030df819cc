import { type EndKind, type InspectedConnection, type InspectedProcess } from '../dataplane/inspect-request.js'
import { type Protocol } from '../model/protocol.js'
import { hostPort } from '../model/address.js'

/** One TCP connection or UDP flow through a socket of the proxy. */
export interface ConnectionView {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  /** Number of the worker that carries it; null: the control process. */
  readonly worker: number | null
  readonly pid: number
  /** Counts the connections of a process from 1. */
  readonly id: number
  /** `ip:port` */
  readonly client: string
  /** `ip:port` of the endpoint that took it, or else of the last that was tried; null: none was. */
  readonly endpoint: string | null
  readonly state: 'dialling' | 'open' | 'ended'
  /** As in RFC 3339. */
  readonly openedAt: string
  /** Null: it is open. */
  readonly endedAt: string | null
  /** Null: it is open. */
  readonly end: EndKind | null
  /** Endpoints that were tried; 0 for UDP. */
  readonly tries: number
  /** Null for UDP, which is counted by listener only. */
  readonly bytesToEndpoint: number | null
  readonly bytesToClient: number | null
}

/**
 * The connections of all processes, the latest first: by their end, or by their start if they are open.
 * @param now milliseconds since 1970
 */
export function connectionViews(processes: readonly InspectedProcess[], now: number): ConnectionView[] {
  const rows = processes.flatMap(process =>
    (process.rows as readonly InspectedConnection[]).map(row => ({
      process,
      row,
      age: row.endedMsAgo ?? row.openedMsAgo,
    })),
  )
  return rows.sort((a, b) => a.age - b.age).map(({ process, row }) => connectionView(process, row, now))
}

function connectionView(
  { worker, pid }: InspectedProcess,
  { listener, id, client, clientPort, endpoint, state, openedMsAgo, endedMsAgo, end, ...row }: InspectedConnection,
  now: number,
): ConnectionView {
  const { namespace, service, portName, protocol } = listener
  const time = (msAgo: number): string => new Date(now - msAgo).toISOString()
  return {
    ...{ namespace, service, portName, protocol, worker: worker ?? null, pid, id },
    client: hostPort(client, clientPort),
    endpoint: endpoint === '' ? null : endpoint,
    state: state ?? 'ended',
    openedAt: time(openedMsAgo),
    endedAt: endedMsAgo === undefined ? null : time(endedMsAgo),
    end: end ?? null,
    tries: row.tries,
    bytesToEndpoint: row.bytesToEndpoint ?? null,
    bytesToClient: row.bytesToClient ?? null,
  }
}

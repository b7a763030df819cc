import {
  type InspectRequest,
  type InspectedConnection,
  type InspectedEndpoint,
  type InspectedProcess,
  type Inspection,
} from '../dataplane/inspect-request.js'
import { type ConnectionView, connectionViews } from './connection-view.js'
import { type StatusSources } from './status-sources.js'

/** An endpoint that has just failed, and gets no new clients for a while. */
export interface EjectionEvent {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  /** `ip:port` */
  readonly endpoint: string
  readonly worker: number | null
  readonly forMs: number
}

/** Connections that have ended since the last event of this kind. */
export interface EndedEvent {
  readonly ended: readonly ConnectionView[]
  /** Whether there were more: a process remembers the last thousand only. */
  readonly isSampled: boolean
}

/** What is new in the processes that have replied. */
export interface SocketNews {
  readonly ejections: readonly EjectionEvent[]
  readonly ended: EndedEvent
  readonly missing: Inspection['missing']
}

/** What each process remembers of connections that have ended. */
const REMEMBERED = 1000

/** What a process has said so far. One that does not reply for a while goes on from there. */
interface Known {
  readonly pid: number
  /** The `sequence` of the last connection that had ended. */
  ended?: number
  /** By listener and endpoint: for how long it gets no new clients, when it was seen last. */
  ejectedForMs?: ReadonlyMap<string, number>
}

/** Asks the processes with the sockets, and says what is new since it asked last: nothing the first time. */
export class SocketPoll {
  readonly #sources: Pick<StatusSources, 'inspect' | 'wallTime'>
  readonly #startedAt = performance.now()
  /** By worker. */
  readonly #known = new Map<number | undefined, Known>()

  constructor(sources: Pick<StatusSources, 'inspect' | 'wallTime'>) {
    this.#sources = sources
  }

  /** @returns what is new */
  async next(): Promise<SocketNews> {
    // Before the question: what a worker had ended just before the watch must not seem newer by the time of the reply.
    const watchedMs = performance.now() - this.#startedAt
    const known = [...this.#known.values()]
    const endedAfter = new Map(known.flatMap(({ pid, ended }) => (ended === undefined ? [] : [[pid, ended]])))
    const [ended, ejected] = await Promise.all([
      // The last one says where to begin.
      this.#ask('ended', { limit: known.length === 0 ? 1 : REMEMBERED, endedAfter }),
      this.#ask('ejected', { limit: Infinity }),
    ])
    const fresh = ended.processes.map(process => this.#takeEnded(process, watchedMs))
    return {
      ejections: ejected.processes.flatMap(process => this.#takeEjected(process, watchedMs)),
      ended: {
        ended: connectionViews(
          fresh.map(({ process }) => process),
          this.#sources.wallTime(),
        ),
        isSampled: fresh.some(({ isSampled }) => isSampled),
      },
      missing: [...new Set([...ended.missing, ...ejected.missing])],
    }
  }

  async #ask(what: InspectRequest['what'], request: Pick<InspectRequest, 'limit' | 'endedAfter'>): Promise<Inspection> {
    const asked = this.#sources.inspect({ what, namespace: undefined, service: undefined, ...request })
    return (await asked) ?? { processes: [], missing: [] }
  }

  /** Another process in the place of a worker has a history of its own. */
  #knownOf({ worker, pid }: InspectedProcess): Known {
    const known = this.#known.get(worker)
    if (known?.pid === pid) return known
    const created: Known = { pid }
    this.#known.set(worker, created)
    return created
  }

  /** @param watchedMs what is older is not new in a process that replies for the first time */
  #takeEnded(
    process: InspectedProcess,
    watchedMs: number,
  ): { readonly process: InspectedProcess; readonly isSampled: boolean } {
    const known = this.#knownOf(process)
    const all = process.rows as readonly InspectedConnection[]
    const before = known.ended
    known.ended = all[0]?.sequence ?? before ?? 0
    if (before === undefined) {
      const rows = all.filter(({ endedMsAgo = 0 }) => endedMsAgo <= watchedMs)
      return { process: { ...process, rows }, isSampled: rows.length === REMEMBERED }
    }
    return { process, isSampled: (all.at(-1)?.sequence ?? 0) > before + 1 }
  }

  #takeEjected(process: InspectedProcess, watchedMs: number): EjectionEvent[] {
    const known = this.#knownOf(process)
    const before = known.ejectedForMs
    const ejectedForMs = new Map<string, number>()
    known.ejectedForMs = ejectedForMs
    const events: EjectionEvent[] = []
    for (const {
      listener,
      address,
      ejectedForMs: forMs,
      ejectedMsAgo,
    } of process.rows as readonly InspectedEndpoint[]) {
      const { key, namespace, service, portName } = listener
      const place = `${key} ${address}`
      ejectedForMs.set(place, forMs)
      // One that lasts longer than before is another one.
      const isNew = before === undefined ? ejectedMsAgo <= watchedMs : forMs > (before.get(place) ?? 0)
      if (!isNew) continue
      events.push({ namespace, service, portName, endpoint: address, worker: process.worker ?? null, forMs })
    }
    return events
  }
}

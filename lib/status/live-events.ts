import {
  type InspectedConnection,
  type InspectedListener,
  type InspectedProcess,
} from '../dataplane/inspect-request.js'
import { messageOf } from '../model/failure.js'
import { type ConnectionView, connectionViews } from './connection-view.js'
import { readStatusQuery } from './status-query.js'
import { type StatusStream } from './status-server.js'
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
  /** Whether there may have been more: a process remembers the last thousand only. */
  readonly isSampled: boolean
}

/** How often the processes with the sockets are asked while a client watches, in milliseconds. */
const PERIOD_MS = 1000
/** What each process remembers of connections that have ended. */
const REMEMBERED = 1000

/**
 * What happens, for as long as clients watch: syncs, ejections, and ends of connections. Nothing runs while no client watches: the
 * processes with the sockets are asked once a second by the first client that comes, and for all of them.
 */
export class LiveEvents {
  readonly #sources: StatusSources
  readonly #writers = new Set<(text: string) => void>()
  #stop: (() => void) | undefined

  constructor(sources: StatusSources) {
    this.#sources = sources
  }

  readonly stream: StatusStream = (search, write) => {
    readStatusQuery(search, [])
    this.#writers.add(write)
    this.#stop ??= this.#start()
    return () => {
      this.#writers.delete(write)
      if (this.#writers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #start(): () => void {
    const { syncs, proxy } = this.#sources
    const unsubscribe = syncs.subscribe(sync => this.#send('sync', sync))
    const poll = proxy.carriedBy === 'sockets' ? new SocketPoll(this.#sources) : undefined
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    const step = async (): Promise<void> => {
      try {
        const { ejections = [], ended } = (await poll?.next()) ?? {}
        for (const ejection of ejections) this.#send('ejection', ejection)
        if (ended !== undefined && ended.ended.length > 0) this.#send('connections', ended)
      } catch (error) {
        this.#send('problem', { message: messageOf(error) })
      }
      if (!isOver) timer = setTimeout(() => void step(), PERIOD_MS)
    }
    if (poll !== undefined) void step()
    return () => {
      isOver = true
      clearTimeout(timer)
      unsubscribe()
    }
  }

  #send(event: string, data: object): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    for (const write of this.#writers) write(text)
  }
}

/** Asks the processes with the sockets, and says what is new since it asked last. */
class SocketPoll {
  readonly #sources: StatusSources
  /** By process, connection or endpoint; undefined before the first question. */
  #seen: { readonly ended: ReadonlySet<string>; readonly ejected: ReadonlySet<string> } | undefined

  constructor(sources: StatusSources) {
    this.#sources = sources
  }

  async next(): Promise<{ readonly ejections: readonly EjectionEvent[]; readonly ended: EndedEvent }> {
    const ask = async (what: 'ended' | 'ejected'): Promise<readonly InspectedProcess[]> =>
      (await this.#sources.inspect({ what, namespace: undefined, service: undefined, limit: REMEMBERED })) ?? []
    const [endedNow, ejectedNow] = [await ask('ended'), ejectionsOf(await ask('ejected'))]
    const before = this.#seen
    const isNew = ({ pid }: InspectedProcess, { id }: InspectedConnection): boolean =>
      !before!.ended.has(`${pid} ${id}`)
    this.#seen = {
      ended: new Set(endedNow.flatMap(({ pid, rows }) => connectionsOf(rows).map(({ id }) => `${pid} ${id}`))),
      ejected: new Set(ejectedNow.keys()),
    }
    if (before === undefined) return { ejections: [], ended: { ended: [], isSampled: false } }
    const fresh = endedNow.map(each => ({ ...each, rows: connectionsOf(each.rows).filter(row => isNew(each, row)) }))
    return {
      ejections: [...ejectedNow].filter(([key]) => !before.ejected.has(key)).map(([, ejection]) => ejection),
      ended: {
        ended: connectionViews(fresh, this.#sources.wallTime()),
        isSampled: fresh.some(({ rows }) => rows.length === REMEMBERED),
      },
    }
  }
}

function connectionsOf(rows: InspectedProcess['rows']): readonly InspectedConnection[] {
  return rows as readonly InspectedConnection[]
}

function ejectionsOf(processes: readonly InspectedProcess[]): Map<string, EjectionEvent> {
  const ejections = new Map<string, EjectionEvent>()
  for (const { worker = null, pid, rows } of processes)
    for (const { listener, endpoints } of rows as readonly InspectedListener[])
      for (const { address, ejectedForMs: forMs } of endpoints) {
        if (forMs === 0) continue
        const { key, namespace, service, portName } = listener
        ejections.set(`${pid} ${key} ${address}`, { namespace, service, portName, endpoint: address, worker, forMs })
      }
  return ejections
}

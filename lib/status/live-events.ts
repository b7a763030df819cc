import { isWantedHappening } from '../dataplane/wanted-happening.js'
import { type HappeningFilter } from '../dataplane/inspect-request.js'
import { messageOf } from '../model/failure.js'
import { fitHappenings } from './fit-happenings.js'
import { readHappeningQuery } from './happening-query.js'
import { type HappeningView } from './happening-view.js'
import { missingNote } from './missing-note.js'
import { type SocketNews, SocketPoll } from './socket-poll.js'
import { type StatusStream } from './status-responder.js'
import { type StatusSources } from './status-sources.js'

/** What has happened to clients and endpoints since the last event of this kind. */
export interface HappeningsEvent {
  /** In order. */
  readonly items: readonly HappeningView[]
  /** Whether there was more: a busy process reports a part of what goes in order, and the first failures of each second. */
  readonly isSampled: boolean
}

/** A client that watches. */
interface Viewer {
  readonly filter: HappeningFilter
  readonly write: (text: string) => void
  /** Whether it knows that from now on it gets all. */
  isWatching: boolean
  /** The problem that it knows of; empty: none. */
  problem: string
}

/** How often the processes with the sockets are asked while a client watches, in milliseconds. */
const PERIOD_MS = 1000

/**
 * What happens, for as long as clients watch: syncs, and what happens to connections. Nothing runs while no client watches: the
 * processes with the sockets are asked once a second by the first client that comes, and for all of them.
 */
export class LiveEvents {
  readonly #sources: StatusSources
  readonly #preferMemory: () => () => void
  readonly #viewers = new Set<Viewer>()
  #stop: (() => void) | undefined

  /** @param preferMemory called when a client begins to watch; what it returns is called when no client watches any more */
  constructor(sources: StatusSources, preferMemory: () => () => void) {
    this.#sources = sources
    this.#preferMemory = preferMemory
  }

  readonly stream: StatusStream = (search, write) => {
    const viewer: Viewer = { filter: readHappeningQuery(search, this.#sources), write, isWatching: false, problem: '' }
    this.#viewers.add(viewer)
    this.#stop ??= this.#start()
    return () => {
      this.#viewers.delete(viewer)
      if (this.#viewers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #start(): () => void {
    const { syncs, proxy } = this.#sources
    const endPreference = this.#preferMemory()
    const unsubscribe = syncs.subscribe(sync => sendTo(this.#viewers, 'sync', sync))
    const poll = proxy.carriedBy === 'sockets' ? new SocketPoll(this.#sources) : undefined
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    const step = async (): Promise<void> => {
      const asking = [...this.#viewers]
      try {
        const news = await poll?.next(asking.map(({ filter }) => filter))
        if (!isOver) this.#report(asking, news)
      } catch (error) {
        this.#reportProblem(messageOf(error))
      }
      if (!isOver) timer = setTimeout(() => void step(), PERIOD_MS)
    }
    void step()
    return () => {
      isOver = true
      clearTimeout(timer)
      unsubscribe()
      endPreference()
    }
  }

  /** @param news undefined: the kernel carries connections */
  #report(asking: readonly Viewer[], { happened, isSampled, missing }: SocketNews = NO_NEWS): void {
    // Each is made into text once, however many watch.
    const texts = happened.map(({ row, view }) => ({ row, text: JSON.stringify(view) }))
    for (const viewer of asking) {
      if (!this.#viewers.has(viewer)) continue
      const { items, isCut } = fitHappenings(texts.filter(({ row }) => isWantedHappening(viewer.filter, row)))
      if (items.length > 0 || isSampled)
        viewer.write(eventText('happenings', `{"items":[${items.join(',')}],"isSampled":${isSampled || isCut}}`))
    }
    this.#reportProblem(missingNote({ missing }).join('; '))
    const { proxy, pid } = this.#sources
    for (const viewer of asking) {
      if (!viewer.isWatching) sendTo([viewer], 'watching', { ...proxy, pid })
      viewer.isWatching = true
    }
  }

  /** Reports it to each viewer once, until the problem is another one or over. */
  #reportProblem(message: string): void {
    for (const viewer of this.#viewers) {
      if (viewer.problem === message) continue
      viewer.problem = message
      if (message !== '') sendTo([viewer], 'problem', { message })
    }
  }
}

const NO_NEWS: SocketNews = { happened: [], isSampled: false, missing: [] }

function sendTo(viewers: Iterable<Viewer>, event: string, data: object): void {
  const text = eventText(event, JSON.stringify(data))
  for (const { write } of viewers) write(text)
}

function eventText(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`
}

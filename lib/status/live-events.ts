import { messageOf } from '../model/failure.js'
import { missingNote } from './missing-note.js'
import { SocketPoll } from './socket-poll.js'
import { readStatusQuery } from './status-query.js'
import { type StatusStream } from './status-server.js'
import { type StatusSources } from './status-sources.js'

/** How often the processes with the sockets are asked while a client watches, in milliseconds. */
const PERIOD_MS = 1000

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
        const news = await poll?.next()
        for (const ejection of news?.ejections ?? []) this.#send('ejection', ejection)
        if (news !== undefined && news.ended.ended.length > 0) this.#send('connections', news.ended)
        for (const message of missingNote({ missing: news?.missing ?? [] })) this.#send('problem', { message })
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

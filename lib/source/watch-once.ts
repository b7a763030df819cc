import { type ObjectKind } from '../model/objects.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type KubeClient } from './kube-client.js'
import { readWatchLine } from './watch-event.js'
import { Watchdog } from './watchdog.js'

/** Where objects go: the part of ObjectStore that a list and watch needs. */
export interface ObjectSink {
  replace(kind: ObjectKind, raws: readonly unknown[]): void
  upsert(kind: ObjectKind, raw: unknown): void
  remove(kind: ObjectKind, raw: unknown): void
}

/** The request of a watch, and where its events go. */
export interface WatchOnceOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly kind: ObjectKind
  readonly sink: ObjectSink
  /** Path and query of the watch request. */
  readonly path: string
  /** The resourceVersion that the request names. */
  readonly version: string
  /** The longest silence to put up with, in milliseconds, before and after the watch has shown that it sends bookmarks. */
  readonly silenceMs: { readonly withoutBookmarks: number; readonly withBookmarks: number }
  /** Whether earlier watches of this resource have shown it already. */
  readonly sendsBookmarks: boolean
  /** Called when the server has accepted the request. */
  readonly onOpen: () => void
}

/** How a watch came to its end. Refusals of the request are thrown instead. */
export interface WatchEnd {
  /**
   * - `closed`: the server ended it, as it does after `timeoutSeconds`; nothing is lost.
   * - `broken`: the connection broke, perhaps in the middle of a line; the event in it comes again from `version`.
   * - `silent`: the connection is there, but nothing came for too long; as `broken`.
   * - `expired`: `version` is too old for the server.
   * - `faulty`: the server sent an error or something unreadable, so an event may be lost.
   */
  readonly how: 'closed' | 'broken' | 'silent' | 'expired' | 'faulty'
  /** What was read, for the log; empty when closed. */
  readonly reason: string
  /** The resourceVersion up to which everything has been delivered. */
  readonly version: string
  readonly sendsBookmarks: boolean
}

/**
 * Runs one watch request until it ends, and delivers its events.
 *
 * Rejects with what the client rejects with when the request is refused or cannot be sent; a watch that once ran
 * always resolves.
 */
export async function watchOnce(options: WatchOnceOptions, signal: AbortSignal): Promise<WatchEnd> {
  const { client, clock, kind, sink, path, silenceMs, onOpen } = options
  let { version, sendsBookmarks } = options
  const end = (how: WatchEnd['how'], reason = ''): WatchEnd => ({ how, reason, version, sendsBookmarks })

  const own = new AbortController()
  const stop = () => own.abort(signal.reason)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  let watchdog: Watchdog | undefined
  let silent = false
  try {
    const batches = await client.streamLines(path, own.signal)
    onOpen()
    const patience = () => (sendsBookmarks ? silenceMs.withBookmarks : silenceMs.withoutBookmarks)
    watchdog = new Watchdog(clock, patience, () => {
      silent = true
      own.abort(new Error('the watch is silent'))
    })
    let bookmarks = 0
    try {
      for await (const lines of batches) {
        watchdog.recordActivity()
        for (const line of lines) {
          const event = readWatchLine(line)
          switch (event.type) {
            case 'put':
              sink.upsert(kind, event.object)
              version = event.version
              break
            case 'remove':
              sink.remove(kind, event.object)
              version = event.version
              break
            case 'bookmark':
              version = event.version
              // Servers before 1.19 send a single one near the end; only newer ones send them every minute.
              if (++bookmarks === 2 && !sendsBookmarks) {
                sendsBookmarks = true
                watchdog.rearm()
              }
              break
            case 'expired':
              return end('expired', event.message)
            case 'error':
              return end('faulty', event.message)
            case 'unreadable':
              return end('faulty', event.problem)
            case 'unknown':
              break
          }
        }
      }
      return end('closed')
    } catch (error) {
      if (!(error instanceof ProxyFailure)) throw error
      if (!silent) return end('broken', messageOf(error))
      // Whatever made us expect bookmarks no longer holds; if the connection was at fault, two more will tell.
      sendsBookmarks = false
      return end('silent', 'nothing was heard for too long')
    }
  } finally {
    watchdog?.stop()
    signal.removeEventListener('abort', stop)
  }
}

import { type ObjectKind } from '../model/objects.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type KubeClient } from './kube-client.js'
import { readWatchLine } from './watch-event.js'
import { Watchdog } from './watchdog.js'

/** The part of ObjectStore that a list and watch needs. */
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
  /** The path and query of the watch request. */
  readonly path: string
  /** The resourceVersion in the request. */
  readonly version: string
  /** The longest allowed silence, in milliseconds. */
  readonly silenceMs: number
  /** Called when the server has accepted the request. */
  readonly onOpen: () => void
  /** Called each time data arrives, and when the server ends the watch: the watch has delivered everything up to then. */
  readonly onAlive: () => void
}

/** How a watch ended. A refused request is thrown instead. */
export interface WatchEnd {
  /**
   * - `closed`: the server ended the watch, as it does after `timeoutSeconds`. No event is missing.
   * - `broken`: the connection broke, perhaps in the middle of a line. A watch from `version` gets that event again.
   * - `silent`: the connection is open, but no data arrived for too long. Otherwise as `broken`.
   * - `expired`: `version` is too old for the server.
   * - `faulty`: the server sent an error or an invalid line, so an event may be missing.
   */
  readonly how: 'closed' | 'broken' | 'silent' | 'expired' | 'faulty'
  /** The error or the text from the server, for the log; empty when closed. */
  readonly reason: string
  /** The resourceVersion up to which all events have been delivered. */
  readonly version: string
}

/**
 * Runs one watch request until it ends, and delivers its events.
 *
 * Rejects with the client's error if the request is refused or cannot be sent. A watch that has started always resolves.
 */
export async function watchOnce(options: WatchOnceOptions, signal: AbortSignal): Promise<WatchEnd> {
  const { client, clock, kind, sink, path, silenceMs, onOpen, onAlive } = options
  let { version } = options
  const end = (how: WatchEnd['how'], reason = ''): WatchEnd => ({ how, reason, version })

  const own = new AbortController()
  const stop = () => own.abort(signal.reason)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  let watchdog: Watchdog | undefined
  let silent = false
  try {
    const batches = await client.streamLines(path, own.signal)
    onOpen()
    watchdog = new Watchdog(clock, silenceMs, () => {
      silent = true
      own.abort(new Error('The watch is silent'))
    })
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
        onAlive()
      }
      onAlive()
      return end('closed')
    } catch (error) {
      if (!(error instanceof ProxyFailure)) throw error
      return silent ? end('silent', `no data for ${silenceMs / 1000} s`) : end('broken', messageOf(error))
    }
  } finally {
    watchdog?.stop()
    signal.removeEventListener('abort', stop)
  }
}

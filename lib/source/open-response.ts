import http from 'node:http'
import https from 'node:https'
import { type Clock } from '../model/clock.js'

/** How soon a peer that has died without a word is asked for a sign of life by the kernel; it gives up some 10 s later. */
const KEEP_ALIVE_DELAY_MS = 30_000

interface OpenOptions {
  /** What `node:https` needs besides the URL: method, credentials, trust, agent, headers. */
  readonly request: https.RequestOptions
  /** What to send along, if anything. */
  readonly body?: string | undefined
  /** How long name look-up, connection, TLS and the first byte of an answer may take together, in milliseconds. */
  readonly responseTimeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Sends a request, GET unless told otherwise, and resolves with the response as soon as its headers are there; the body is the caller's.
 *
 * When the signal is aborted, also later while the body is read, the connection is destroyed and whoever reads gets
 * the reason of the signal. Rejects with what `node:http` reports.
 */
export function openResponse(url: URL, options: OpenOptions): Promise<http.IncomingMessage> {
  const { signal, clock, responseTimeoutMs, body } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    let response: http.IncomingMessage | undefined
    const request = (url.protocol === 'https:' ? https : http).request(url, options.request)
    const onAbort = () => {
      const reason = signal.reason as Error
      if (response === undefined) request.destroy(reason)
      else response.destroy(reason)
    }
    const cancel = clock.after(responseTimeoutMs, () =>
      request.destroy(new Error(`no answer within ${responseTimeoutMs / 1000} s`)),
    )
    signal.addEventListener('abort', onAbort)
    request.on('socket', socket => socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS))
    request.on('response', received => {
      cancel()
      response = received
      resolve(received)
    })
    request.on('error', reject)
    request.on('close', () => {
      cancel()
      signal.removeEventListener('abort', onAbort)
    })
    request.end(body)
  })
}

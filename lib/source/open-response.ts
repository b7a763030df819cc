import http from 'node:http'
import https from 'node:https'
import { type Clock } from '../model/clock.js'

/** After this idle time the kernel sends TCP keep-alive probes; it closes the connection some 10 s later. */
const KEEP_ALIVE_DELAY_MS = 30_000

interface OpenOptions {
  /** What `node:https` needs besides the URL: method, credentials, trusted certificates, agent, headers. */
  readonly request: https.RequestOptions
  /** The body of the request, if any. */
  readonly body?: string | undefined
  /** How long DNS, connection, TLS and the first byte of the response may take together, in milliseconds. */
  readonly responseTimeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Sends a request, by default GET, and resolves with the response when its headers have arrived. The caller reads the body.
 *
 * An abort of the signal, even later while the body is read, destroys the connection. The reader of the body then gets the
 * reason of the signal. Rejects with the error of `node:http`.
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
      request.destroy(new Error(`no response within ${responseTimeoutMs / 1000} s`)),
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

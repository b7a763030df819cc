import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { STATUS_API_VERSION, type StatusError } from './status-document.js'
import { StatusQueryError, unknownName } from './status-query-error.js'
import { openStatusSocket } from './status-socket.js'

/** Makes one answer. @throws StatusQueryError for a wrong question */
export type StatusRoute = (search: URLSearchParams) => Promise<object> | object

/** Answers for as long as the viewer stays. @returns called when the viewer has left */
export type StatusStream = (search: URLSearchParams, write: (text: string) => void) => () => void

/** The parts and settings of a `StatusServer`. */
export interface StatusServerOptions {
  /** `statusSocket`; empty: no server. */
  readonly path: string
  readonly proxyVersion: string
  /** By the last part of the path; empty: the overview. */
  readonly routes: ReadonlyMap<string, StatusRoute>
  /** The same for answers that do not end. */
  readonly streams: ReadonlyMap<string, StatusStream>
  /** Resolves when no other proxy of this node has the socket; absent: none has it now. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly log: Log
}

/** A few people and programs look at a time. Each costs a descriptor, and the memory of one answer at most. */
const MAX_CLIENTS = 16
/** A client that does not send its request, or read its answer, for so long is disconnected. In milliseconds. */
const REQUEST_TIMEOUT_MS = 5000
const STALLED_CLIENT_MS = 30_000
/** A viewer of a stream that leaves so many bytes unread is disconnected: it can ask again. */
const MAX_UNREAD_BYTES = 1_000_000
/** So that a viewer notices that the proxy is gone, and the proxy that the viewer is. */
const KEEP_ALIVE_MS = 15_000

/** Serves the status API on a Unix socket: it only reads. No failure here reaches the rest of the process. */
export class StatusServer {
  readonly #options: StatusServerOptions
  readonly #server: Server
  readonly #bound: Promise<void>
  #isClosed = false

  /** Starts it. */
  constructor(options: StatusServerOptions) {
    this.#options = options
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 5 },
      (request, response) => void this.#respond(request, response),
    )
    this.#server.timeout = STALLED_CLIENT_MS
    this.#server.maxConnections = MAX_CLIENTS
    this.#bound = options.path === '' ? Promise.resolve() : this.#bind()
  }

  /** Stops listening, removes the socket, and disconnects all viewers. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (!this.#server.listening) return
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  /** Resolves when the socket serves, or is known to be impossible. */
  get bound(): Promise<void> {
    return this.#bound
  }

  async #bind(): Promise<void> {
    const { path, bindAfter, log } = this.#options
    await bindAfter
    if (this.#isClosed) return
    try {
      await openStatusSocket(this.#server, path)
      this.#server.on('error', error =>
        log.info(2, 'Cannot accept a client on the status socket', { error: messageOf(error) }),
      )
      if (this.#isClosed) await this.close()
      else log.info(1, 'Serving the status API', { path })
    } catch (error) {
      log.warn('No status socket: kube-proxy status cannot ask this proxy; it serves as usual', {
        path,
        error: messageOf(error),
        hint: 'Set --status-socket to a path that this process can create, or to an empty text',
      })
    }
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return this.#send(request, response, 405, this.#error('The status API only reads: use GET', ['GET', 'HEAD']))
    }
    const url = new URL(request.url ?? '/', 'http://status')
    // While the answer is made, there is nothing to read.
    request.socket.setTimeout(0)
    try {
      const name = this.#resourceOf(url.pathname)
      const stream = this.#options.streams.get(name)
      if (stream !== undefined && request.method === 'GET') return this.#stream(response, stream, url.searchParams)
      const body = stream === undefined ? await this.#options.routes.get(name)!(url.searchParams) : {}
      this.#send(request, response, 200, body)
    } catch (error) {
      if (error instanceof StatusQueryError)
        return this.#send(request, response, error.status, this.#error(error.message, error.exists))
      this.#options.log.error('Cannot answer on the status socket', error, { url: request.url })
      this.#send(request, response, 500, this.#error(`The proxy cannot answer: ${messageOf(error)}`, []))
    }
  }

  /** @throws StatusQueryError */
  #resourceOf(path: string): string {
    const [, version = '', ...rest] = path.replace(/\/$/, '').split('/')
    if (version !== STATUS_API_VERSION)
      throw new StatusQueryError(404, `No API version "${version}" here: this proxy has ${STATUS_API_VERSION}`, [
        `/${STATUS_API_VERSION}`,
      ])
    const name = rest.join('/')
    const { routes, streams } = this.#options
    if (routes.has(name) || streams.has(name)) return name
    throw unknownName(
      'resource',
      name,
      [...routes.keys(), ...streams.keys()].filter(each => each !== ''),
    )
  }

  #error(message: string, exists: readonly string[]): StatusError {
    return { apiVersion: STATUS_API_VERSION, kind: 'Error', proxyVersion: this.#options.proxyVersion, message, exists }
  }

  #send(request: IncomingMessage, response: ServerResponse, status: number, content: object): void {
    const body = `${JSON.stringify(content)}\n`
    request.socket.setTimeout(STALLED_CLIENT_MS)
    response.writeHead(status, { ...this.#headers('application/json'), 'Content-Length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #stream(response: ServerResponse, stream: StatusStream, search: URLSearchParams): void {
    const write = (text: string): void => {
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy()
      else response.write(text)
    }
    const stop = stream(search, write)
    response.writeHead(200, this.#headers('text/event-stream'))
    response.flushHeaders()
    const beat = setInterval(() => write(': the proxy is there\n\n'), KEEP_ALIVE_MS)
    response.once('close', () => {
      clearInterval(beat)
      stop()
    })
  }

  #headers(contentType: string): Record<string, string> {
    return {
      'Content-Type': contentType,
      'Cache-Control': 'no-store',
      'Kube-Proxy-Version': this.#options.proxyVersion,
      'Kube-Proxy-Status-API': STATUS_API_VERSION,
    }
  }
}

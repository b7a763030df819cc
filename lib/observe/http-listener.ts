import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { hostPort } from '../model/address.js'
import { type Clock } from '../model/clock.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export type HttpRoute = () => HttpAnswer | Promise<HttpAnswer>

export interface HttpListenerOptions {
  /** What the port is for (`healthz`, `metrics`), for messages. */
  readonly name: string
  /** Field of KubeProxyConfiguration that the address comes from, for hints. */
  readonly setting: string
  /** `0.0.0.0:10256`, `[::]:10256`, `127.0.0.1:10249`; empty: no listener. Port 0: the kernel chooses. */
  readonly address: string
  /** What answers each path. The query is not looked at. */
  readonly routes: ReadonlyMap<string, HttpRoute>
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds between attempts to bind; 5000 as in kube-proxy 1.36. */
  readonly retryMs?: number
  /** Milliseconds a client has to send its request, so that slow ones cannot pile up; 5000 unless given. */
  readonly requestTimeoutMs?: number
}

export const PLAIN_TEXT = 'text/plain; charset=utf-8'

/** A client that holds its connection for longer without a word leaves the place to others. */
const KEEP_ALIVE_MS = 20_000
/** Ends a client that does not read its answer. */
const STALLED_CLIENT_MS = 30_000
/** Probes and scrapers need a handful; together the ports stay well below what the data plane leaves alone for them. */
const MAX_CLIENTS = 32

/**
 * One small HTTP port. A port that cannot be bound is tried again until it can; nothing that happens here, whether in the
 * system, at a client or in a route, reaches the rest of the process.
 */
export class HttpListener {
  readonly #options: HttpListenerOptions
  readonly #server: Server
  #cancelRetry: () => void = () => {}
  #closed = false
  #lastProblem: string | undefined
  #settleFirstBind: (failure: ProxyFailure | undefined) => void = () => {}

  /** How the first attempt to bind went: for `bindAddressHardFail`. Never rejects. */
  readonly firstBind: Promise<ProxyFailure | undefined>

  /** Starts to listen at once. */
  constructor(options: HttpListenerOptions) {
    this.#options = options
    this.firstBind = new Promise(resolve => (this.#settleFirstBind = resolve))
    const timeoutMs = options.requestTimeoutMs ?? 5000
    this.#server = createServer(
      {
        requestTimeout: timeoutMs,
        connectionsCheckingInterval: timeoutMs / 5,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.timeout = STALLED_CLIENT_MS
    this.#server.maxConnections = MAX_CLIENTS
    this.#server.on('listening', () => this.#bound())
    this.#server.on('error', error => (this.#server.listening ? this.#acceptFailed(error) : this.#bindFailed(error)))
    // Without a listener for 'clientError', Node.js answers broken requests with 4xx and closes: just right.
    if (options.address === '') this.#settleFirstBind(undefined)
    else this.#bind()
  }

  /** The bound address with its real port; undefined while not bound. */
  get boundAddress(): string | undefined {
    const bound = this.#server.address() as AddressInfo | null
    return bound === null ? undefined : hostPort(bound.address, bound.port)
  }

  /** Stops listening and retrying, and ends all clients, also those that are being answered. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry()
    this.#settleFirstBind(undefined)
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #bind(): void {
    try {
      this.#server.listen(listenTarget(this.#options.address))
    } catch (error) {
      this.#bindFailed(error)
    }
  }

  #bound(): void {
    const { name, log } = this.#options
    this.#lastProblem = undefined
    log.info(0, `Serving ${name} over HTTP`, { address: this.boundAddress })
    this.#settleFirstBind(undefined)
  }

  #bindFailed(error: unknown): void {
    if (this.#closed) return
    const { name, setting, address, retryMs = 5000, clock, log } = this.#options
    const failure = new ProxyFailure('HTTP_BIND_FAILED', `cannot serve ${name} on "${address}"`, {
      cause: error,
      hint: bindHint(systemCode(error), setting),
    })
    if (this.#isNewProblem(error)) {
      log.error(`Cannot bind ${name}, trying again until it works`, failure, { retrySeconds: retryMs / 1000 })
    }
    this.#settleFirstBind(failure)
    this.#cancelRetry = clock.after(retryMs, () => this.#bind())
  }

  /** Mostly EMFILE, which comes with every client as long as it lasts. Node.js goes on listening. */
  #acceptFailed(error: Error): void {
    const { name, log } = this.#options
    if (this.#isNewProblem(error)) log.error(`Cannot take a client of ${name}`, error)
  }

  #isNewProblem(error: unknown): boolean {
    const problem = systemCode(error) ?? String(error)
    const isNew = problem !== this.#lastProblem
    this.#lastProblem = problem
    return isNew
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#lastProblem = undefined
    const route = this.#options.routes.get(request.url?.split('?', 1)[0] ?? '')
    if (route === undefined) return send(request, response, plain(404, '404 page not found\n'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return send(request, response, plain(405, 'Method Not Allowed\n'))
    }
    let answer: HttpAnswer
    try {
      answer = await route()
    } catch (error) {
      this.#options.log.error(`Cannot answer a request to ${this.#options.name}`, error, { url: request.url })
      answer = plain(500, 'Internal Server Error\n')
    }
    send(request, response, answer)
  }
}

function plain(status: number, body: string): HttpAnswer {
  return { status, contentType: PLAIN_TEXT, body }
}

function send(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType,
    'Content-Length': Buffer.byteLength(answer.body),
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

/** As in Go, either family's unspecified address means all addresses of both families, where the machine has them. */
function listenTarget(address: string): { port: number; host?: string } {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1')
  const port = Number(address.slice(colon + 1))
  return host === '' || host === '0.0.0.0' || host === '::' ? { port } : { port, host }
}

function bindHint(code: string | undefined, setting: string): string {
  if (code === 'EADDRINUSE') return `stop the process that holds the port (ss -ltnp shows it), or change ${setting}`
  if (code === 'EADDRNOTAVAIL') return `give this machine the address, or change ${setting}`
  if (code === 'EACCES') return `allow the process to bind ports below 1024, or change ${setting}`
  return `change ${setting} to an address and port that this machine can listen on`
}

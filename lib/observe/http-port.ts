import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { hostPort } from '../model/address.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { ClientLimit } from './client-limit.js'

/** A complete response of a route. */
export interface HttpResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Headers besides those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Creates the response for one request. */
export type HttpRoute = () => HttpResponse | Promise<HttpResponse>

/** The parts and settings of an `HttpPort`. */
export interface HttpPortOptions {
  /** What the port is for (`healthz`, `metrics`), for messages. */
  readonly name: string
  /** What the address comes from, such as a field of KubeProxyConfiguration, for hints. */
  readonly setting: string
  /** `0.0.0.0:10256`, `[::]:10256`, `127.0.0.1:10249`. Port 0: the kernel chooses. */
  readonly address: string
  /** What answers a path, which comes without its query; undefined: nothing does. */
  readonly findRoute: (path: string) => HttpRoute | undefined
  readonly log: Log
  /** Shared by ports that have their clients in common; one of its own, for 32, unless given. */
  readonly clientLimit?: ClientLimit
  /** Milliseconds a client has to send its request, so that slow ones cannot pile up; 5000 unless given. */
  readonly requestTimeoutMs?: number
}

/** The content type of plain text. */
export const PLAIN_TEXT = 'text/plain; charset=utf-8'

/** A client that holds its connection for longer without a word leaves the place to others. */
const KEEP_ALIVE_MS = 20_000
/** Ends a client that does not read its answer. */
const STALLED_CLIENT_MS = 30_000
/** Probes and scrapers need a handful; together the ports stay well below what the data plane leaves alone for them. */
const MAX_CLIENTS = 32

/**
 * One small HTTP port, bound when it is told to. Nothing that happens here, whether in the system, at a client or in a
 * route, reaches the rest of the process.
 */
export class HttpPort {
  readonly #options: HttpPortOptions
  readonly #server: Server
  #attempt: Promise<ProxyFailure | undefined> = Promise.resolve(undefined)
  #lastProblem: string | undefined

  constructor(options: HttpPortOptions) {
    this.#options = options
    const timeoutMs = options.requestTimeoutMs ?? 5000
    this.#server = createServer(
      {
        requestTimeout: timeoutMs,
        connectionsCheckingInterval: timeoutMs / 5,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void this.#respond(request, response),
    )
    this.#server.timeout = STALLED_CLIENT_MS
    const clients = options.clientLimit ?? new ClientLimit(MAX_CLIENTS)
    this.#server.on('connection', socket => {
      if (!clients.admit(socket)) socket.destroy()
    })
    this.#server.on('error', error => this.#server.listening && this.#logAcceptFailure(error))
    // Without a listener for 'clientError', Node.js answers broken requests with 4xx and closes: just right.
  }

  /** The bound address with its real port; undefined while not bound. */
  get boundAddress(): string | undefined {
    const bound = this.#server.address() as AddressInfo | null
    return bound === null ? undefined : hostPort(bound.address, bound.port)
  }

  /**
   * Tries once to bind; after a failure it may be called again. Resolves with `HTTP_BIND_FAILED` when the port
   * could not be bound; never rejects.
   */
  open(): Promise<ProxyFailure | undefined> {
    this.#attempt = this.#listen().then(
      () => undefined,
      (error: unknown) => this.#buildBindFailure(error),
    )
    return this.#attempt
  }

  /** Stops listening, and ends all clients, also those that are being answered. */
  async close(): Promise<void> {
    // What is closed in the middle of an attempt would be bound nevertheless: Node.js looks the host up first.
    await this.#attempt
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #listen(): Promise<void> {
    const listening = once(this.#server, 'listening')
    this.#server.listen(parseListenAddress(this.#options.address))
    await listening
  }

  #buildBindFailure(error: unknown): ProxyFailure {
    const { name, setting, address } = this.#options
    const hint = bindHint(systemCode(error), setting)
    return new ProxyFailure('HTTP_BIND_FAILED', `cannot serve ${name} on "${address}"`, { cause: error, hint })
  }

  /** Mostly EMFILE, which comes with every client as long as it lasts. Node.js goes on listening. */
  #logAcceptFailure(error: Error): void {
    const problem = systemCode(error) ?? String(error)
    if (problem === this.#lastProblem) return
    this.#lastProblem = problem
    this.#options.log.error(`Cannot take a client of ${this.#options.name}`, error)
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#lastProblem = undefined
    const route = this.#options.findRoute(request.url?.split('?', 1)[0] ?? '')
    if (route === undefined) return sendResponse(request, response, plainTextResponse(404, '404 page not found\n'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return sendResponse(request, response, plainTextResponse(405, 'Method Not Allowed\n'))
    }
    let answer: HttpResponse
    try {
      answer = await route()
    } catch (error) {
      this.#options.log.error(`Cannot answer a request to ${this.#options.name}`, error, { url: request.url })
      answer = plainTextResponse(500, 'Internal Server Error\n')
    }
    sendResponse(request, response, answer)
  }
}

function plainTextResponse(status: number, body: string): HttpResponse {
  return { status, contentType: PLAIN_TEXT, body }
}

function sendResponse(request: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType,
    'Content-Length': Buffer.byteLength(answer.body),
    'X-Content-Type-Options': 'nosniff',
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}

/** As in Go, either family's unspecified address means all addresses of both families, where the machine has them. */
function parseListenAddress(address: string): { port: number; host?: string } {
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

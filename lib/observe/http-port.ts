import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type ProxyFailure } from '../model/failure.js'
import { BoundedHttpServer, type BoundedHttpServerOptions } from './bounded-http-server.js'

/** A complete response of a route. */
export interface HttpResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array
  /** Headers besides those of every response. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a route may need to know of its request. */
export interface HttpRequest {
  readonly query: URLSearchParams
  /** The header of that name. */
  readonly accept: string | undefined
  /** Aborted when the client has left. */
  readonly abandoned: AbortSignal
}

/** Creates the response for one request. It may take as long as it needs. */
export type HttpRoute = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>

/** The parts and settings of an `HttpPort`. */
export interface HttpPortOptions extends BoundedHttpServerOptions {
  /** Returns the route of a path without its query; undefined: none. */
  readonly findRoute: (path: string) => HttpRoute | undefined
}

const PLAIN_TEXT = 'text/plain; charset=utf-8'

/**
 * One small HTTP port. No failure here, whether of the system, a client or a route, reaches the rest of the process.
 */
export class HttpPort {
  readonly #options: HttpPortOptions
  readonly #server: BoundedHttpServer

  constructor(options: HttpPortOptions) {
    this.#options = options
    this.#server = new BoundedHttpServer(options, (request, response) => void this.#respond(request, response))
  }

  /** The bound address with its actual port; undefined while not bound. */
  get boundAddress(): string | undefined {
    return this.#server.boundAddress
  }

  /** Tries once to bind; call it again after a failure. Resolves with `HTTP_BIND_FAILED` if it fails; never rejects. */
  open(): Promise<ProxyFailure | undefined> {
    return this.#server.open()
  }

  /** Stops listening, and disconnects all clients, even in the middle of a response. */
  close(): Promise<void> {
    return this.#server.close()
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? ''
    const path = url.split('?', 1)[0]!
    const route = this.#options.findRoute(path)
    if (route === undefined) return sendResponse(request, response, textResponse(404, '404 page not found\n'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return sendResponse(request, response, textResponse(405, 'Method Not Allowed\n'))
    }
    const abandoned = new AbortController()
    response.once('close', () => abandoned.abort())
    // The time limit is for clients that do not read. While the route works, there is nothing to read.
    request.socket.setTimeout(0)
    let result: HttpResponse
    try {
      result = await route({
        query: new URLSearchParams(url.slice(path.length)),
        accept: request.headers.accept,
        abandoned: abandoned.signal,
      })
    } catch (error) {
      this.#options.log.error(`Cannot respond to a request on the port for ${this.#options.name}`, error, {
        url: request.url,
      })
      result = textResponse(500, 'Internal Server Error\n')
    }
    request.socket.setTimeout(this.#server.stalledClientMs)
    sendResponse(request, response, result)
  }
}

/** A response of plain text. */
export function textResponse(status: number, body: string): HttpResponse {
  return { status, contentType: PLAIN_TEXT, body }
}

function sendResponse(request: IncomingMessage, response: ServerResponse, content: HttpResponse): void {
  response.writeHead(content.status, {
    'Content-Type': content.contentType,
    'Content-Length': Buffer.byteLength(content.body),
    'X-Content-Type-Options': 'nosniff',
    ...content.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : content.body)
}

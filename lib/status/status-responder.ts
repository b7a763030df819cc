import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Clock } from '../model/clock.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type AnswerPace } from './answer-pace.js'
import { answerText } from './answer-text.js'
import { type AnswerText, AnswerTurns } from './answer-turns.js'
import { ClientTurns } from './client-turns.js'
import { hasLeft, onceClosed } from './once-closed.js'
import { SmallAnswerTurns } from './small-answer-turns.js'
import { STATUS_API_VERSION, type StatusError } from './status-document.js'
import { StatusQueryError, unknownName } from './status-query-error.js'

/** Makes one answer. @throws StatusQueryError for a wrong question */
export type StatusRoute = (search: URLSearchParams) => Promise<object> | object

/** Answers for as long as the viewer stays. @returns called when the viewer has left */
export type StatusStream = (search: URLSearchParams, write: (text: string) => void) => () => void

/** The parts and settings of a `StatusResponder`. */
export interface StatusResponderOptions {
  readonly proxyVersion: string
  /** By the last part of the path; empty: the overview. */
  readonly routes: ReadonlyMap<string, StatusRoute>
  /** The routes whose answers are small: they do not wait for others. */
  readonly smallRoutes: ReadonlySet<string>
  /** The same as `routes` for answers that do not end. */
  readonly streams: ReadonlyMap<string, StatusStream>
  /** Of the large answers of all servers. */
  readonly pace: AnswerPace
  readonly clock: Clock
  readonly log: Log
}

/** A client that does not read its answer for so long is disconnected. In milliseconds. */
export const STALLED_CLIENT_MS = 30_000
/** A viewer of a stream that leaves so many bytes unread is disconnected: it can ask again. */
const MAX_UNREAD_BYTES = 1_000_000
/** So that a viewer notices that the proxy is gone, and the proxy that the viewer is. */
const KEEP_ALIVE_MS = 15_000

/**
 * Answers the requests of a server of the status API: it only reads. Each server has its own, so that clients of one hold up those of
 * another only by the pace of large answers, which they share. No failure here reaches the rest of the process.
 */
export class StatusResponder {
  readonly #options: StatusResponderOptions
  readonly #clientTurns = new ClientTurns()
  readonly #answerTurns: AnswerTurns
  readonly #smallAnswerTurns: SmallAnswerTurns

  constructor(options: StatusResponderOptions) {
    this.#options = options
    this.#answerTurns = new AnswerTurns(options.pace)
    this.#smallAnswerTurns = new SmallAnswerTurns(options.clock)
  }

  /** Answers a request of the status API when those that its client sent before have their answers. */
  respond(request: IncomingMessage, response: ServerResponse): void {
    this.inTurn(request, response, () => this.answer(request, response))
  }

  /**
   * Runs a task that begins a response when those to earlier requests of its client are complete. A response that begins earlier has no
   * connection yet, and keeps what it has got until then. A client with too many requests is disconnected.
   */
  inTurn(request: IncomingMessage, response: ServerResponse, task: () => Promise<void> | void): void {
    const answered = this.#clientTurns.run(request.socket, async () => {
      request.socket.setTimeout(STALLED_CLIENT_MS)
      const closed = new Promise<void>(resolve => onceClosed(response, resolve))
      await task()
      await closed
    })
    answered.catch((error: unknown) => {
      this.#options.log.error('Cannot answer a request to the status API', error, { url: request.url })
      request.socket.destroy()
    })
  }

  /** Answers a request of the status API, whose turn it is. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // While the answer is made, there is nothing to read.
    request.socket.setTimeout(0)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return this.sendError(response, 405, 'The status API only reads: use GET', ['GET', 'HEAD'])
    }
    const url = request.url ?? ''
    const path = url.split('?', 1)[0]!
    try {
      const name = this.#resourceOf(path)
      const search = new URLSearchParams(url.slice(path.length))
      const stream = this.#options.streams.get(name)
      if (stream !== undefined) return this.#stream(request, response, stream, search)
      const text = await this.#answer(name, url, search, response)
      if (text !== undefined) this.#send(response, 200, text)
    } catch (error) {
      if (error instanceof StatusQueryError) return this.sendError(response, error.status, error.message, error.exists)
      this.#options.log.error('Cannot answer a request to the status API', error, { url })
      this.sendError(response, 500, `The proxy cannot answer: ${messageOf(error)}`, [])
    }
  }

  /** Answers with an error. @param exists what there is in the place of what was asked for */
  sendError(response: ServerResponse, status: number, message: string, exists: readonly string[]): void {
    const { proxyVersion } = this.#options
    const error: StatusError = { apiVersion: STATUS_API_VERSION, kind: 'Error', proxyVersion, message, exists }
    this.#send(response, status, [Buffer.from(`${JSON.stringify(error)}\n`)])
  }

  /** @throws StatusQueryError */
  #resourceOf(path: string): string {
    const [, version = '', ...rest] = path.replace(/\/$/, '').split('/')
    if (version !== STATUS_API_VERSION)
      throw new StatusQueryError(
        404,
        `No API version ${quoteValue(version)} here: this proxy has ${STATUS_API_VERSION}`,
        [`/${STATUS_API_VERSION}`],
      )
    const name = rest.join('/')
    const { routes, streams } = this.#options
    if (routes.has(name) || streams.has(name)) return name
    throw unknownName(
      'resource',
      name,
      [...routes.keys(), ...streams.keys()].filter(each => each !== ''),
    )
  }

  /** Resolves with undefined if the client has left meanwhile. */
  #answer(
    name: string,
    url: string,
    search: URLSearchParams,
    response: ServerResponse,
  ): Promise<AnswerText | undefined> {
    const make = async (): Promise<AnswerText> => answerText(await this.#options.routes.get(name)!(search))
    if (this.#options.smallRoutes.has(name)) return this.#smallAnswerTurns.run(response, make)
    return this.#answerTurns.run(name, url, response, make)
  }

  #send(response: ServerResponse, status: number, text: AnswerText): void {
    if (hasLeft(response)) return
    const length = text.reduce((sum, { byteLength }) => sum + byteLength, 0)
    response.req.socket.setTimeout(STALLED_CLIENT_MS)
    response.writeHead(status, { ...this.#headers('application/json'), 'Content-Length': length })
    if (response.req.method === 'HEAD') return void response.end()
    this.#answerTurns.sent(response, length)
    for (const piece of text) response.write(piece)
    response.end()
  }

  #stream(request: IncomingMessage, response: ServerResponse, stream: StatusStream, search: URLSearchParams): void {
    const write = (text: string): void => {
      if (response.writableLength > MAX_UNREAD_BYTES) request.socket.destroy()
      else response.write(text)
    }
    const stop = stream(search, write)
    response.writeHead(200, this.#headers('text/event-stream'))
    if (request.method === 'HEAD') {
      stop()
      return void response.end()
    }
    response.flushHeaders()
    const beat = setInterval(() => write(': the proxy is there\n\n'), KEEP_ALIVE_MS)
    onceClosed(response, () => {
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

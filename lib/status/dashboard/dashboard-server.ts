import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Server } from 'node:net'
import { type Clock } from '../../model/clock.js'
import { ProxyFailure, messageOf } from '../../model/failure.js'
import { type Log } from '../../model/log.js'
import { BindRetry } from '../../observe/bind-retry.js'
import { BoundedHttpServer } from '../../observe/bounded-http-server.js'
import { ClientLimit } from '../../observe/client-limit.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { onceClosed } from '../once-closed.js'
import { STALLED_CLIENT_MS, type StatusResponder } from '../status-responder.js'
import { MAX_STATUS_CLIENTS } from '../status-server.js'
import { DashboardSessions, ENTER } from './dashboard-sessions.js'
import { type PageFile, readPageFiles } from './page-files.js'
import { PAGE_HEADERS } from './page-headers.js'
import { readToken } from './read-token.js'
import { foreignRequest } from './foreign-request.js'

/** What answers requests that are about no file. It gets those that change something too, and refuses them or not. */
export type DashboardResponder = Pick<StatusResponder, 'inTurn' | 'answer' | 'sendError'>

/** The parts and settings of a `DashboardServer`. */
export interface DashboardServerOptions {
  /** `IP:PORT`; empty: no server. */
  readonly address: string
  /** A socket that listens already, at this address. */
  readonly listening?: Server | undefined
  /** Whether the address may be other than loopback; needs a token. */
  readonly allowsRemote: boolean
  /** Path of the file with the token; empty: who reaches the address may ask, if there are no `sessions`. */
  readonly tokenFile: string
  /** Who may ask; absent: the file says it. */
  readonly sessions?: DashboardSessions | undefined
  /** What a client does to sign in; absent: it uses the token of the file. */
  readonly howToSignIn?: string | undefined
  readonly nodeName: string
  /** Where the files of the page are; absent: where the build puts them. */
  readonly pageFolder?: URL | undefined
  readonly responder: DashboardResponder
  /** Resolves when no other proxy of this node has the port; absent: none has it now. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Where a link is asked for. */
const LINK = '/link'

/**
 * Serves the page of this proxy, and the status API for it, over HTTP. It only reads. No failure here reaches the rest of the process.
 * The files of the page are those of the package: they need no token. What the proxy answers does.
 */
export class DashboardServer {
  readonly #options: DashboardServerOptions
  readonly #server: BoundedHttpServer
  readonly #bind: BindRetry<ProxyFailure> | undefined
  #files: ReadonlyMap<string, PageFile> = new Map()
  /** Undefined: no token is needed. */
  #sessions: DashboardSessions | undefined
  readonly #openToken = new OnceReporter()
  #isClosed = false

  /** Starts it. */
  constructor(options: DashboardServerOptions) {
    const { address, listening, log } = options
    this.#options = options
    this.#server = new BoundedHttpServer(
      {
        ...{ name: 'the dashboard', setting: '--dashboard-bind-address', address, listening, log },
        ...{ clientLimit: new ClientLimit(MAX_STATUS_CLIENTS), stalledClientMs: STALLED_CLIENT_MS },
      },
      // Also what a file or a refusal answers waits for its turn: no client can fill the memory with what it does not read.
      (request, response) => options.responder.inTurn(request, response, () => this.#onRequest(request, response)),
    )
    if (address === '') return
    this.#bind = new BindRetry({
      ...options,
      open: () => this.#open(),
      onBound: () => log.info(0, 'Serving the dashboard over HTTP', { address: this.boundAddress }),
      onProblem: (failure, retryMs) =>
        log.warn('No dashboard; the proxy serves as usual, and tries again', {
          code: failure.code,
          error: messageOf(failure),
          hint: failure.hint,
          retrySeconds: retryMs / 1000,
        }),
    })
  }

  /** The bound address with its actual port; undefined while not bound. */
  get boundAddress(): string | undefined {
    return this.#server.boundAddress
  }

  /** Resolves with the failure of the first attempt to listen; undefined: it serves. */
  get bound(): Promise<ProxyFailure | undefined> {
    return this.#bind?.first ?? Promise.resolve(undefined)
  }

  /** Stops listening, and disconnects all viewers. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#bind?.close()
    await this.#server.close()
  }

  async #open(): Promise<ProxyFailure | undefined> {
    const { pageFolder, clock } = this.#options
    try {
      this.#files = await readPageFiles(pageFolder)
      this.#sessions = this.#options.sessions
      const token = await this.#readToken()
      // Sessions of an earlier attempt do not exist: no client could ask.
      if (token !== undefined) this.#sessions = new DashboardSessions(token, () => clock.now())
    } catch (error) {
      if (error instanceof ProxyFailure) return error
      throw error
    }
    // The server may have been closed while the files were read.
    return this.#isClosed ? undefined : this.#server.open()
  }

  async #readToken(): Promise<string | undefined> {
    const { tokenFile: file, log } = this.#options
    if (file === '') return undefined
    const { token, isReadableForAll } = await readToken(file)
    if (isReadableForAll)
      this.#openToken.updateOne('mode', () =>
        log.warn('All users of this machine can read the token of the dashboard', {
          file,
          hint: 'Run chmod o-rwx on the file; the volume of a Secret needs defaultMode: 0400',
        }),
      )
    return token
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> | void {
    const { responder } = this.#options
    for (const [name, value] of PAGE_HEADERS) response.setHeader(name, value)
    const refusal = foreignRequest(request.headers, this.#options)
    if (refusal !== undefined) return responder.sendError(response, 403, refusal, [])
    const [path = '', ...query] = (request.url ?? '').split('?')
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const file = isRead ? this.#files.get(path) : undefined
    if (file !== undefined) return sendFile(response, file)
    if (this.#sessions === undefined) return responder.answer(request, response)
    if (isRead && path === LINK) return this.#sendLink(this.#sessions, request, response)
    if (isRead && path === ENTER)
      return this.#enter(this.#sessions, request, response, new URLSearchParams(query.join('?')))
    const end = this.#sessions.mayAskUntil(request.headers, request.socket.remoteAddress)
    if (end === undefined) return this.#refuse(response)
    this.#endWith(end, response)
    return responder.answer(request, response)
  }

  /** Disconnects a viewer whose session ends before the answer does. */
  #endWith(end: number, response: ServerResponse): void {
    if (end === Infinity) return
    const { clock } = this.#options
    const cancel = clock.after(end - clock.now(), () => response.req.socket.destroy(), { keepsAlive: false })
    onceClosed(response, cancel)
  }

  /** Only the token itself gives a link: a browser that is signed in cannot pass its session on. */
  #sendLink(sessions: DashboardSessions, request: IncomingMessage, response: ServerResponse): void {
    if (!sessions.hasToken(request.headers)) return this.#refuse(response)
    const { method, headers } = request
    const text = `http://${headers.host}${method === 'HEAD' ? ENTER : sessions.createLink()}\n`
    sendFile(response, { contentType: 'text/plain; charset=utf-8', content: Buffer.from(text) })
  }

  #enter(
    sessions: DashboardSessions,
    { method, headers, socket }: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): void {
    // Programs that look what is behind a link must not use it up.
    const secret = query.get('secret') ?? ''
    const cookie = method === 'HEAD' ? undefined : sessions.openLink(secret, headers, socket.remoteAddress)
    if (cookie === undefined)
      return this.#options.responder.sendError(
        response,
        403,
        'This link is unknown, too old, or was used: it works once, within 5 minutes. Ask for another one',
        [],
      )
    response.writeHead(303, { 'Set-Cookie': cookie, Location: '/' }).end()
  }

  #refuse(response: ServerResponse): void {
    response.setHeader('WWW-Authenticate', 'Bearer')
    const { responder, howToSignIn } = this.#options
    const withToken = `Send the token of --dashboard-token-file as "Authorization: Bearer TOKEN"; with it, ${LINK} gives a link that signs a browser in`
    responder.sendError(response, 401, howToSignIn ?? withToken, [])
  }
}

function sendFile(response: ServerResponse, { contentType, content }: PageFile): void {
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': content.byteLength })
  response.end(response.req.method === 'HEAD' ? undefined : content)
}

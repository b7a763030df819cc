import { type Server, createServer } from 'node:http'
import { type Clock } from '../model/clock.js'
import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { BindRetry } from '../observe/bind-retry.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { STALLED_CLIENT_MS, type StatusResponder } from './status-responder.js'
import { StatusSocket } from './status-socket.js'

/** The parts and settings of a `StatusServer`. */
export interface StatusServerOptions {
  /** `statusSocket`; empty: no server. */
  readonly path: string
  readonly responder: StatusResponder
  /** Resolves when no other proxy of this node has the socket; absent: none has it now. */
  readonly bindAfter?: Promise<unknown> | undefined
  readonly clock: Clock
  readonly log: Log
}

/** A few people and programs look at a time. Each costs a descriptor, and the memory of one answer at most. */
export const MAX_STATUS_CLIENTS = 16
/** A client that does not send its request for so long is disconnected. In milliseconds. */
const REQUEST_TIMEOUT_MS = 5000

/** Serves the status API on a Unix socket. No failure here reaches the rest of the process. */
export class StatusServer {
  readonly #options: StatusServerOptions
  readonly #server: Server
  readonly #socket: StatusSocket
  readonly #bind: BindRetry<Error> | undefined
  readonly #acceptProblem = new OnceReporter()

  /** Starts it. */
  constructor(options: StatusServerOptions) {
    const { path, responder, log } = options
    this.#options = options
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 5 },
      (request, response) => {
        this.#acceptProblem.clear()
        responder.respond(request, response)
      },
    )
    this.#server.timeout = STALLED_CLIENT_MS
    this.#server.maxConnections = MAX_STATUS_CLIENTS
    this.#server.on('error', error => this.#server.listening && this.#logAcceptFailure(error))
    this.#socket = new StatusSocket(this.#server, path)
    if (path === '') return
    this.#bind = new BindRetry({
      ...options,
      open: () => this.#socket.open(),
      onBound: () => log.info(1, 'Serving the status API', { path }),
      onProblem: (failure, retryMs) =>
        log.warn('No status socket: kube-proxy status cannot ask this proxy; it serves as usual, and tries again', {
          path,
          error: messageOf(failure),
          retrySeconds: retryMs / 1000,
          hint: 'Set --status-socket to a path that this process can create, or to an empty text',
        }),
    })
  }

  /** Stops listening, removes the socket, and disconnects all viewers. */
  async close(): Promise<void> {
    this.#bind?.close()
    await this.#socket.close()
  }

  /** Resolves with the error of the first attempt to listen; undefined: the socket serves. */
  get bound(): Promise<Error | undefined> {
    return this.#bind?.first ?? Promise.resolve(undefined)
  }

  /** Usually EMFILE, for every client while there are no descriptors. Node.js keeps listening. */
  #logAcceptFailure(error: Error): void {
    this.#acceptProblem.updateOne(systemCode(error) ?? String(error), () =>
      this.#options.log.warn('Cannot accept a client on the status socket', { error: messageOf(error) }),
    )
  }
}

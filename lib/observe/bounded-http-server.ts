import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, type Server as NetServer } from 'node:net'
import { hostPort } from '../model/address.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { ClientLimit } from './client-limit.js'
import { parseListenAddress } from './listen-address.js'

/** The parts and settings of a `BoundedHttpServer`. */
export interface BoundedHttpServerOptions {
  /** The purpose of the port (`healthz`, `metrics`), for messages. */
  readonly name: string
  /** The flag or field that the address comes from, for hints. */
  readonly setting: string
  /** `0.0.0.0:10256`, `[::]:10256`, `127.0.0.1:10249`. Port 0: the kernel chooses. */
  readonly address: string
  /** A socket that listens already, such as one of another network namespace, instead of `address`. */
  readonly listening?: NetServer | undefined
  readonly log: Log
  /** A limit that several ports share; absent: a separate one of 32 clients. */
  readonly clientLimit?: ClientLimit | undefined
  /** Milliseconds that a client has to send its request, so that slow clients do not accumulate; 5000 by default. */
  readonly requestTimeoutMs?: number | undefined
  /** Milliseconds after which a client that does not read the response is disconnected; 30000 by default. */
  readonly stalledClientMs?: number | undefined
}

/** The port closes a connection that has been idle for longer. */
const KEEP_ALIVE_MS = 20_000
/** Probes and scrapers need a few. All ports together stay well below the descriptors that the data plane reserves. */
const MAX_CLIENTS = 32

/** A port for HTTP with bounds on its clients. No failure of the system or of a client reaches the rest of the process. */
export class BoundedHttpServer {
  readonly #options: BoundedHttpServerOptions
  readonly #server: Server
  #attempt: Promise<ProxyFailure | undefined> = Promise.resolve(undefined)
  readonly #clients: ClientLimit
  readonly #acceptProblem = new OnceReporter()

  /** @param onRequest gets each request, and must not throw */
  constructor(
    options: BoundedHttpServerOptions,
    onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  ) {
    this.#options = options
    this.#clients = options.clientLimit ?? new ClientLimit(MAX_CLIENTS)
    const timeoutMs = options.requestTimeoutMs ?? 5000
    this.#server = createServer(
      {
        requestTimeout: timeoutMs,
        connectionsCheckingInterval: timeoutMs / 5,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => {
        this.#acceptProblem.clear()
        const { socket } = request
        this.#clients.startRequest(socket)
        response.once('close', () => this.#clients.endRequest(socket))
        onRequest(request, response)
      },
    )
    this.#server.timeout = options.stalledClientMs ?? 30_000
    this.#server.on('connection', socket => {
      if (!this.#clients.admit(socket)) socket.destroy()
    })
    this.#server.on('error', error => this.#server.listening && this.#logAcceptFailure(error))
    // Without a listener for 'clientError', Node.js responds to broken requests with 4xx and closes, which is right here.
  }

  /** Milliseconds after which a client that does not read the response is disconnected. */
  get stalledClientMs(): number {
    return this.#server.timeout
  }

  /** The bound address with its actual port; undefined while not bound. */
  get boundAddress(): string | undefined {
    const bound = this.#server.address() as AddressInfo | null
    return bound === null ? undefined : hostPort(bound.address, bound.port)
  }

  /** Tries once to bind; call it again after a failure. Resolves with `HTTP_BIND_FAILED` if it fails; never rejects. */
  open(): Promise<ProxyFailure | undefined> {
    this.#attempt = this.#listen().then(
      () => undefined,
      (error: unknown) => this.#buildBindFailure(error),
    )
    return this.#attempt
  }

  /** Stops listening, and disconnects all clients, even in the middle of a response. */
  async close(): Promise<void> {
    // Node.js resolves the host before it binds, so a server that is closed during an attempt would still bind.
    await this.#attempt
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #listen(): Promise<void> {
    const listening = once(this.#server, 'listening')
    this.#server.listen(this.#options.listening ?? parseListenAddress(this.#options.address))
    await listening
  }

  #buildBindFailure(error: unknown): ProxyFailure {
    const { name, setting, address } = this.#options
    const hint = bindHint(systemCode(error), setting)
    return new ProxyFailure('HTTP_BIND_FAILED', `Cannot serve ${name} on "${address}"`, { cause: error, hint })
  }

  /** Usually EMFILE, for every client while there are no descriptors. Node.js keeps listening. */
  #logAcceptFailure(error: Error): void {
    const { name, log } = this.#options
    this.#acceptProblem.updateOne(systemCode(error) ?? String(error), () =>
      log.error(`Cannot accept a client on the port for ${name}`, error),
    )
  }
}

function bindHint(code: string | undefined, setting: string): string {
  if (code === 'EADDRINUSE') return `Stop the process that uses the port (ss -atnp shows it), or change ${setting}`
  if (code === 'EADDRNOTAVAIL') return `Give this machine the address, or change ${setting}`
  if (code === 'EACCES') return `Allow the process to bind ports below 1024, or change ${setting}`
  return `Change ${setting} to an address and port that this machine can listen on`
}

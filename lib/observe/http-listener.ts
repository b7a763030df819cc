import { type Clock } from '../model/clock.js'
import { type ProxyFailure } from '../model/failure.js'
import { BindRetry } from './bind-retry.js'
import { HttpPort, type HttpPortOptions, type HttpRoute } from './http-port.js'

/** Where an `HttpListener` listens, and what its port means to the listener before it. */
export interface ListenerPlace {
  /** As for `HttpPort`; empty: no listener. */
  readonly address: string
  /** The address that serves until this one is bound, for messages. */
  readonly servingOn?: string
  /** Whether one attempt to bind is all; `firstBind` is the only report of its failure. */
  readonly triesOnce?: boolean
  /** Called when the port is bound. */
  readonly onBound?: () => void
}

/** The parts and settings of an `HttpListener`. */
export interface HttpListenerOptions extends ListenerPlace, Omit<HttpPortOptions, 'findRoute' | 'address'> {
  /** The route of each path, without the query. */
  readonly routes: ReadonlyMap<string, HttpRoute>
  readonly clock: Clock
  /** Resolves when the port can be free; absent: it can be now. */
  readonly bindAfter?: Promise<unknown> | undefined
  /** Milliseconds between attempts to bind; 5000 as in kube-proxy 1.36. */
  readonly retryMs?: number
}

/** A small HTTP port. If it cannot bind, it retries until it can. */
export class HttpListener {
  readonly #port: HttpPort
  readonly #retry: BindRetry<ProxyFailure> | undefined

  /** Starts listening. */
  constructor(options: HttpListenerOptions) {
    const { name, servingOn, onBound, log } = options
    this.#port = new HttpPort({ ...options, findRoute: path => options.routes.get(path) })
    if (options.address === '') return
    this.#retry = new BindRetry({
      ...options,
      open: () => this.#port.open(),
      onBound: () => {
        log.info(0, `Serving ${name} over HTTP`, { address: this.boundAddress })
        onBound?.()
      },
      onProblem: (failure, retryMs) =>
        log.error(`Cannot bind the port for ${name}; retrying until it works`, failure, {
          ...(servingOn !== undefined && { servingOn }),
          retrySeconds: retryMs / 1000,
        }),
    })
  }

  /** The failure of the first attempt to bind, for `bindAddressHardFail`. Never rejects. */
  get firstBind(): Promise<ProxyFailure | undefined> {
    return this.#retry?.first ?? Promise.resolve(undefined)
  }

  /** The bound address with its actual port; undefined while not bound. */
  get boundAddress(): string | undefined {
    return this.#port.boundAddress
  }

  /** Stops listening and retrying, and disconnects all clients, even in the middle of a response. */
  async close(): Promise<void> {
    this.#retry?.close()
    await this.#port.close()
  }
}

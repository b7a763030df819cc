import { type Clock } from '../model/clock.js'
import { type ProxyFailure, systemCode } from '../model/failure.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { HttpPort, type HttpPortOptions, type HttpRoute } from './http-port.js'

/** The parts and settings of an `HttpListener`. */
export interface HttpListenerOptions extends Omit<HttpPortOptions, 'findRoute'> {
  /** As for `HttpPort`; empty: no listener. */
  readonly address: string
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
  readonly #options: HttpListenerOptions
  readonly #port: HttpPort
  #cancelRetry: () => void = () => {}
  #closed = false
  readonly #bindProblem = new OnceReporter()

  /** The failure of the first attempt to bind, for `bindAddressHardFail`. Never rejects. */
  readonly firstBind: Promise<ProxyFailure | undefined>

  /** Starts listening. */
  constructor(options: HttpListenerOptions) {
    this.#options = options
    this.#port = new HttpPort({ ...options, findRoute: path => options.routes.get(path) })
    this.firstBind = options.address === '' ? Promise.resolve(undefined) : this.#bind()
  }

  /** The bound address with its actual port; undefined while not bound. */
  get boundAddress(): string | undefined {
    return this.#port.boundAddress
  }

  /** Stops listening and retrying, and disconnects all clients, even in the middle of a response. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry()
    await this.#port.close()
  }

  async #bind(): Promise<ProxyFailure | undefined> {
    await this.#options.bindAfter
    if (this.#closed) return undefined
    const failure = await this.#port.open()
    if (this.#closed) return undefined
    if (failure === undefined) this.#onBound()
    else this.#onBindFailed(failure)
    return failure
  }

  #onBound(): void {
    const { name, log } = this.#options
    this.#bindProblem.clear()
    log.info(0, `Serving ${name} over HTTP`, { address: this.boundAddress })
  }

  #onBindFailed(failure: ProxyFailure): void {
    const { name, retryMs = 5000, clock, log } = this.#options
    const problem = systemCode(failure.cause) ?? String(failure.cause)
    this.#bindProblem.updateOne(problem, () =>
      log.error(`Cannot bind the port for ${name}; retrying until it works`, failure, { retrySeconds: retryMs / 1000 }),
    )
    this.#cancelRetry = clock.after(retryMs, () => void this.#bind())
  }
}

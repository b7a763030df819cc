import { type Clock } from '../model/clock.js'

/** One request to the API server that has ended. */
export interface ApiExchange {
  /** Address and port of the server, such as `10.0.0.1:6443`. */
  readonly host: string
  readonly method: 'GET' | 'POST'
  /** The HTTP status; undefined: the server did not respond. */
  readonly status: number | undefined
  /**
   * Milliseconds from the request, without the wait for credentials, to the end of the response; undefined for a watch, which
   * lasts as long as the server lets it.
   */
  readonly durationMs: number | undefined
  readonly requestBytes: number
  /** Bytes of the response's body; undefined for a watch, and if there was no response. */
  readonly responseBytes: number | undefined
}

/** Takes notice of the requests to the API server, as client-go does for its metrics. */
export interface RequestObserver {
  requested(exchange: ApiExchange): void
}

/** What is known before the response. */
export type SentRequest = Pick<ApiExchange, 'host' | 'method' | 'requestBytes'>

/** Measures one request from now on, and reports it once. */
export class ExchangeRecord {
  readonly #request: SentRequest
  readonly #observer: RequestObserver | undefined
  readonly #clock: Pick<Clock, 'now'>
  readonly #startedAt: number
  /** The HTTP status; undefined until the response has started. */
  status: number | undefined
  /** Bytes of the body that were read so far. */
  responseBytes = 0

  constructor(request: SentRequest, observer: RequestObserver | undefined, clock: Pick<Clock, 'now'>) {
    this.#request = request
    this.#observer = observer
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** The body of the response was read, or there is no response. */
  end(): void {
    const responseBytes = this.status === undefined ? undefined : this.responseBytes
    this.#report({ durationMs: this.#clock.now() - this.#startedAt, responseBytes })
  }

  /** The response has started, and goes on for as long as the server likes. */
  leaveOpen(): void {
    this.#report({ durationMs: undefined, responseBytes: undefined })
  }

  #report(rest: Pick<ApiExchange, 'durationMs' | 'responseBytes'>): void {
    this.#observer?.requested({ ...this.#request, status: this.status, ...rest })
  }
}

/** Address and port of a server's URL as it is written: a URL object leaves out the usual port. */
export function hostOf(server: string): string {
  return /^https?:\/\/(?:[^/@]*@)?([^/]*)/i.exec(server)?.[1] ?? server
}

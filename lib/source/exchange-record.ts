import { type Clock } from '../model/clock.js'
import { type ApiExchange, type RequestObserver } from './request-observer.js'

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

import { type Log } from '../model/log.js'
import { type ProxyFailure, systemCode } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { ApiRefusal } from './api-failure.js'

/**
 * Turns the failed and successful attempts of several loops into few log lines: one when the API server is lost, one
 * when it is back, and one each time the reason changes, but none per attempt.
 */
export class ContactLog {
  readonly #log: Log
  readonly #server: string
  readonly #clock: Clock
  /** Since when there has been no contact, and the reasons for it that have been told. */
  #outage: { readonly since: number; readonly told: Set<string> } | undefined
  /** The reasons told for each resource that the server refuses. */
  readonly #refused = new Map<string, Set<number>>()

  constructor(log: Log, server: string, clock: Clock) {
    this.#log = log
    this.#server = server
    this.#clock = clock
  }

  /** An attempt to list or watch a resource failed. `resource` is its name for readers: `services`. */
  failed(resource: string, failure: ProxyFailure): void {
    if (failure.code === 'API_REFUSED') {
      const status = failure instanceof ApiRefusal ? failure.status : 200
      // 5xx also comes from a load balancer that cannot reach the API server either.
      if (status < 500) this.#reachable()
      const told = this.#refused.get(resource) ?? new Set()
      if (told.has(status)) return
      this.#refused.set(resource, told.add(status))
      this.#log.error(`Cannot read ${resource} from the API server; what is known of them stays`, failure)
    } else {
      const reason = `${failure.code} ${systemCode(failure.cause) ?? ''}`
      this.#outage ??= { since: this.#clock.now(), told: new Set() }
      if (this.#outage.told.has(reason)) return
      this.#outage.told.add(reason)
      this.#log.error('The API server cannot be reached; the last known state stays in force', failure, {
        server: this.#server,
      })
    }
  }

  /** The server answered a request for this resource as it should. */
  succeeded(resource: string): void {
    this.#reachable()
    if (this.#refused.delete(resource)) this.#log.info(0, `The API server lets ${resource} be read again`)
  }

  #reachable(): void {
    if (this.#outage === undefined) return
    const seconds = Math.round((this.#clock.now() - this.#outage.since) / 1000)
    this.#outage = undefined
    this.#log.info(0, 'The API server is reachable again', { server: this.#server, afterSeconds: seconds })
  }
}

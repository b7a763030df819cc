import { type Log } from '../model/log.js'
import { type ProxyFailure, systemCode } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { ApiRefusal } from './api-failure.js'

/**
 * Turns the failed and successful attempts of several loops into few log lines: one when the API server is lost, one
 * when it is back, and one each time the reason changes, but none per attempt.
 */
export class ConnectivityLog {
  readonly #log: Log
  readonly #server: string
  readonly #clock: Clock
  /** Since when there has been no contact, and the reasons for it that have been told. */
  #outage: { readonly since: number; readonly reported: Set<string> } | undefined
  /** The reasons told for each resource that the server refuses. */
  readonly #refusals = new Map<string, Set<number>>()

  constructor(log: Log, server: string, clock: Clock) {
    this.#log = log
    this.#server = server
    this.#clock = clock
  }

  /** An attempt to list or watch a resource failed. `resource` is its name for readers: `services`. */
  reportFailure(resource: string, failure: ProxyFailure): void {
    if (failure.code === 'API_REFUSED') {
      const status = failure instanceof ApiRefusal ? failure.status : 200
      // 5xx also comes from a load balancer that cannot reach the API server either.
      if (status < 500) this.#endOutage()
      const reported = this.#refusals.get(resource) ?? new Set()
      if (reported.has(status)) return
      this.#refusals.set(resource, reported.add(status))
      this.#log.error(`Cannot read ${resource} from the API server; what is known of them stays`, failure)
    } else {
      const reason = `${failure.code} ${systemCode(failure.cause) ?? ''}`
      this.#outage ??= { since: this.#clock.now(), reported: new Set() }
      if (this.#outage.reported.has(reason)) return
      this.#outage.reported.add(reason)
      this.#log.error('The API server cannot be reached; the last known state stays in force', failure, {
        server: this.#server,
      })
    }
  }

  /** The server answered a request for this resource as it should. */
  reportSuccess(resource: string): void {
    this.#endOutage()
    if (this.#refusals.delete(resource)) this.#log.info(0, `The API server lets ${resource} be read again`)
  }

  #endOutage(): void {
    if (this.#outage === undefined) return
    const seconds = Math.round((this.#clock.now() - this.#outage.since) / 1000)
    this.#outage = undefined
    this.#log.info(0, 'The API server is reachable again', { server: this.#server, afterSeconds: seconds })
  }
}

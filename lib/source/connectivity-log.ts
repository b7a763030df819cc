import { type Log } from '../model/log.js'
import { type ProxyFailure, systemCode } from '../model/failure.js'
import { type Clock } from '../model/clock.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { ApiRefusal } from './api-failure.js'

/**
 * Turns the attempts of several loops into few log lines: one when the API server becomes unreachable, one for each new reason,
 * and one when it is reachable again.
 */
export class ConnectivityLog {
  readonly #log: Log
  readonly #server: string
  readonly #clock: Clock
  /** When the outage started; undefined while the server is reachable. */
  #outageSince: number | undefined
  /** The reasons of the outage. */
  readonly #outageReasons = new OnceReporter()
  /** The status codes for each resource that the server refuses. */
  readonly #refusals = new Map<string, OnceReporter>()

  constructor(log: Log, server: string, clock: Clock) {
    this.#log = log
    this.#server = server
    this.#clock = clock
  }

  /** An attempt to list or watch a resource failed. `resource` is its name in log lines: `services`. */
  reportFailure(resource: string, failure: ProxyFailure): void {
    if (failure.code === 'API_REFUSED') {
      const status = failure instanceof ApiRefusal ? failure.status : 200
      // A 5xx may also come from a load balancer that cannot reach the API server.
      if (status < 500) this.#endOutage()
      const refusals = this.#refusals.get(resource) ?? new OnceReporter()
      this.#refusals.set(resource, refusals)
      refusals.add(String(status), () =>
        this.#log.error(`Cannot read ${resource} from the API server; keeping the last known state`, failure),
      )
    } else {
      this.#outageSince ??= this.#clock.now()
      this.#outageReasons.add(`${failure.code} ${systemCode(failure.cause) ?? ''}`, () =>
        this.#log.error('Cannot reach the API server; keeping the last known state', failure, { server: this.#server }),
      )
    }
  }

  /** A request for this resource succeeded. */
  reportSuccess(resource: string): void {
    this.#endOutage()
    if (this.#refusals.delete(resource)) this.#log.info(0, `Reading ${resource} from the API server works again`)
  }

  #endOutage(): void {
    if (this.#outageSince === undefined) return
    const seconds = Math.round((this.#clock.now() - this.#outageSince) / 1000)
    this.#outageSince = undefined
    this.#outageReasons.clear()
    this.#log.info(0, 'The API server is reachable again', { server: this.#server, afterSeconds: seconds })
  }
}

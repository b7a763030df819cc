import { type ExecObserver, type ExecOutcome } from '../source/exec-outcome.js'
import { type MetricRegistry } from './metric-registry.js'

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400]
/** Too often up to an hour, well up to a month, too seldom from then on. A month has 30 days, and a year 12 months. */
const AGE_BUCKETS = [
  ...[10 * MINUTE, 30 * MINUTE, HOUR],
  ...[4 * HOUR, DAY, 7 * DAY, 30 * DAY],
  ...[90 * DAY, 180 * DAY, 360 * DAY, 1440 * DAY],
]

/** The metrics of the command of a kubeconfig, with the names, labels and buckets of client-go in Kubernetes 1.36. */
export class ExecMetrics implements ExecObserver {
  readonly #calls
  readonly #ages
  /** Milliseconds since 1970; undefined: no certificate of a command is in use. */
  #expiresAt: number | undefined

  /** @param now milliseconds since 1970 */
  constructor(registry: MetricRegistry, now: () => number = Date.now) {
    this.#calls = registry.counter(
      'rest_client_exec_plugin_call_total',
      'Runs of the exec command of the kubeconfig, by how they ended and exit code',
      ['code', 'call_status'],
    )
    this.#ages = registry.histogram(
      'rest_client_exec_plugin_certificate_rotation_age',
      'Age, in seconds, of client certificates of the exec command when it returned another one',
      AGE_BUCKETS,
    )
    registry.readGauge(
      'rest_client_exec_plugin_ttl_seconds',
      'Seconds until the client certificate of the exec command expires; +Inf without such a certificate',
      () => (this.#expiresAt === undefined ? Infinity : (this.#expiresAt - now()) / 1000),
    )
  }

  ran({ status, code }: ExecOutcome): void {
    this.#calls.inc({ code: String(code), call_status: status })
  }

  certificateReplaced(ageMs: number): void {
    this.#ages.observe(ageMs / 1000)
  }

  certificateInUse(expiresAt: number | undefined): void {
    this.#expiresAt = expiresAt
  }
}

import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { type ProxyHealth } from './proxy-health.js'

/** How often the health is looked at, in milliseconds. */
const PERIOD_MS = 1000
const RULES_PROBLEM = 'changes wait too long for a successful sync of the rules'

/** The parts of a `HealthWatch`. */
export interface HealthWatchOptions {
  readonly health: Pick<ProxyHealth, 'status'>
  readonly clock: Clock
  readonly log: Log
}

/** Logs when the proxy stops being healthy, and when it is healthy again. Load balancers that ask leave no trace in the log. */
export class HealthWatch {
  readonly #options: HealthWatchOptions
  readonly #problems = new OnceReporter()
  #unhealthySince = 0
  #cancelTimer: () => void

  /** Starts watching. */
  constructor(options: HealthWatchOptions) {
    this.#options = options
    this.#cancelTimer = options.clock.after(PERIOD_MS, () => this.#check())
  }

  /** Stops watching. */
  close(): Promise<void> {
    this.#cancelTimer()
    return Promise.resolve()
  }

  #check(): void {
    const { health, clock, log } = this.#options
    const { families, problems } = health.status
    const rulesAreLate = [...families.values()].some(({ healthy }) => !healthy)
    const wasHealthy = this.#problems.present.size === 0
    this.#problems.update(
      [...(rulesAreLate ? [RULES_PROBLEM] : []), ...problems],
      problem => problem,
      problem => log.warn('The proxy is not healthy; /healthz responds with 503', { problem }),
    )
    const isHealthy = this.#problems.present.size === 0
    if (wasHealthy && !isHealthy) this.#unhealthySince = clock.now()
    if (!wasHealthy && isHealthy)
      log.info(0, 'The proxy is healthy again', {
        afterSeconds: Math.round((clock.now() - this.#unhealthySince) / 1000),
      })
    this.#cancelTimer = clock.after(PERIOD_MS, () => this.#check())
  }
}

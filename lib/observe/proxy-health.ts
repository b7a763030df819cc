import { type HealthProblem } from '../model/health-problem.js'
import { type HealthStatus, type ProxierHealth } from './proxier-health.js'

/** A part of this process that can keep the proxy from being healthy. */
export interface HealthPart {
  /** For the label of the metric, such as `data_plane`. */
  readonly name: string
  /** What is wrong now; undefined: nothing. */
  readonly problem: HealthProblem | undefined
}

/** Health of the proxy at one moment. Times are milliseconds since 1970. */
export interface ProxyHealthStatus extends HealthStatus {
  /** False if a restart of this process may help. */
  readonly alive: boolean
  /** One sentence for each problem of a part other than the rules. */
  readonly problems: readonly string[]
}

/** The health of the rules, and of the parts without which rules serve no client. */
export class ProxyHealth {
  readonly #rules: Pick<ProxierHealth, 'statusAt'>
  readonly #parts: readonly HealthPart[]

  constructor(rules: Pick<ProxierHealth, 'statusAt'>, parts: readonly HealthPart[]) {
    this.#rules = rules
    this.#parts = parts
  }

  /** @param now milliseconds since 1970 */
  statusAt(now: number): ProxyHealthStatus {
    const rules = this.#rules.statusAt(now)
    const problems = this.#parts.flatMap(({ problem }) => problem ?? [])
    return {
      ...rules,
      healthy: rules.healthy && problems.length === 0,
      alive: rules.healthy && !problems.some(({ needsRestart }) => needsRestart),
      problems: problems.map(({ text }) => text),
    }
  }

  /**
   * Whether each part is healthy, by its name.
   * @param now milliseconds since 1970
   */
  partsAt(now: number): ReadonlyMap<string, boolean> {
    const parts = this.#parts.map(({ name, problem }) => [name, problem === undefined] as const)
    return new Map([['rules', this.#rules.statusAt(now).healthy], ...parts])
  }
}

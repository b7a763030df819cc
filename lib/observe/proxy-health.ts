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
  readonly #rules: Pick<ProxierHealth, 'status'>
  readonly #parts: readonly HealthPart[]

  constructor(rules: Pick<ProxierHealth, 'status'>, parts: readonly HealthPart[]) {
    this.#rules = rules
    this.#parts = parts
  }

  /** The health at this moment. */
  get status(): ProxyHealthStatus {
    const rules = this.#rules.status
    const problems = this.#parts.flatMap(({ problem }) => problem ?? [])
    return {
      ...rules,
      healthy: rules.healthy && problems.length === 0,
      alive: rules.healthy && !problems.some(({ needsRestart }) => needsRestart),
      problems: problems.map(({ text }) => text),
    }
  }

  /** Whether each part is healthy at this moment, by its name. */
  get partsHealth(): ReadonlyMap<string, boolean> {
    const parts = this.#parts.map(({ name, problem }) => [name, problem === undefined] as const)
    return new Map([['rules', this.#rules.status.healthy], ...parts])
  }
}

import { type HealthProblem } from '../model/health-problem.js'
import { type HealthPart } from '../observe/proxy-health.js'
import { type Source } from '../source/source.js'

/** Whether what the proxy knows is current. A restart does not help: the next process knows even less. */
export class SourceHealth implements HealthPart {
  readonly name = 'source'
  readonly #source: Pick<Source, 'ageMs'>
  /** How old the last confirmation may be, in milliseconds; 0: of any age. */
  timeoutMs: number

  constructor(source: Pick<Source, 'ageMs'>, timeoutMs: number) {
    this.#source = source
    this.timeoutMs = timeoutMs
  }

  get problem(): HealthProblem | undefined {
    if (this.timeoutMs === 0 || this.#source.ageMs <= this.timeoutMs) return undefined
    const seconds = this.timeoutMs / 1000
    return { text: `the API server has not confirmed what the proxy knows for ${seconds} s`, needsRestart: false }
  }
}

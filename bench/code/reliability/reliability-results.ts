import { type BenchEnvironment } from '../report/results.js'
import { type CaseFigures } from './case-figures.js'

/** The figures of one case with one setup. */
export interface CaseResult {
  /** The names of the case and of the setup. */
  readonly case: string
  readonly setup: string
  readonly isKept: boolean
  readonly figures: CaseFigures
}

/** A whole run, as stored in bench/results. */
export interface ReliabilityResults {
  readonly circumstances: BenchEnvironment
  /** Setups that could not take part, with the reasons. */
  readonly missing: Readonly<Record<string, string>>
  readonly results: readonly CaseResult[]
}

import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { type Results } from '../report/results.js'
import { MIN_NOISE } from '../report/statistics.js'
import { type Target } from '../report/targets.js'

/** The text of a page about targets that are no ratio. */
export const EQUALITY_NOTE =
  'A result counts as equal if this proxy is not below the original by more than the noise. The noise is twice the spread of the rounds of ' +
  `both (their ± in the tables, as the root of the sum of squares), and at least ${MIN_NOISE * 100} %.`

/** Loads and contenders that run together and have one report. */
export interface Suite {
  /** The command that runs it. */
  readonly command: string
  readonly contenders: readonly Contender[]
  /** In the order of runs and reports. */
  readonly loads: readonly Load[]
  readonly targets: readonly Target[]
  /** Programs whose versions are part of the results, each with the flag that prints its version. */
  readonly programs: readonly (readonly [program: string, flag: string])[]
  readonly page: SuitePage
}

/** The parts of a suite's report. */
export interface SuitePage {
  readonly title: string
  /** Paths from the root of the repository. */
  readonly results: string
  readonly path: string
  readonly picture: string
  /** The description of the picture. */
  readonly altText: string
  /** The panels of the picture, each with a load and one of its metrics. */
  readonly panels: readonly (readonly [load: string, metric: string])[]
  /** Below the table of targets. */
  readonly targetsNote: string
  /** The method of measurement, in Markdown. */
  readonly describeMethod: (results: Results) => string
}

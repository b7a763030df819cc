import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { type Results } from '../report/results.js'
import { MIN_NOISE } from '../report/statistics.js'
import { type Target } from '../report/targets.js'

/** What a page says of the targets that are no ratio. */
export const EQUALITY_NOTE =
  'What is compared for equality is equal when ours is not below the original by more than the noise: twice what the rounds of ' +
  `both lie apart (their ± in the tables, as the root of the sum of squares), and ${MIN_NOISE * 100} % at the least.`

/** Loads and contenders that are run and reported together. */
export interface Suite {
  /** What is typed to run it. */
  readonly command: string
  readonly contenders: readonly Contender[]
  /** In the order in which they are run and reported. */
  readonly loads: readonly Load[]
  readonly targets: readonly Target[]
  /** Programs whose versions are part of the results, each with the flag that has it say so. */
  readonly programs: readonly (readonly [program: string, flag: string])[]
  readonly page: SuitePage
}

/** What a suite's report is like. */
export interface SuitePage {
  readonly title: string
  /** Paths from the root of the repository. */
  readonly results: string
  readonly path: string
  readonly picture: string
  /** What the picture shows, in words. */
  readonly altText: string
  /** A panel of the picture each: a load and one of its numbers. */
  readonly panels: readonly (readonly [load: string, metric: string])[]
  /** Below the table of targets. */
  readonly targetsNote: string
  /** How it was measured, in Markdown. */
  readonly describeMethod: (results: Results) => string
}

import { type ContenderName } from '../contenders/contender.js'

/** The result of one turn of one contender. */
export interface Sample {
  /** By the name of a metric; metrics that do not apply are missing. */
  readonly values: Readonly<Record<string, number>>
  /** The names of metrics that exceeded their time limit, so that the real value is larger. */
  readonly over?: readonly string[]
  /** Errors of the sample as text. Values of a sample with errors are less reliable. */
  readonly errors: readonly string[]
}

export interface LoadResult {
  readonly name: string
  readonly samples: Readonly<Partial<Record<ContenderName, readonly Sample[]>>>
}

/** The machine and the programs of the results. */
export interface BenchEnvironment {
  readonly at: string
  readonly machine: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
}

/** A full run, as stored in bench/results. */
export interface Results {
  readonly circumstances: BenchEnvironment
  readonly rounds: number
  /** The duration of the run. */
  readonly seconds: number
  /** Contenders that could not take part, with the reasons. */
  readonly missing: Readonly<Partial<Record<ContenderName, string>>>
  readonly loads: readonly LoadResult[]
}

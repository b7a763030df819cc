import { type ContenderName } from '../contenders/contender.js'

/** What one turn of one contender gave. */
export interface Sample {
  /** By the name of a metric; one that does not apply is not there. */
  readonly values: Readonly<Record<string, number>>
  /** The names of those that are only known to be larger: what was waited for did not come within its limit. */
  readonly over?: readonly string[]
  /** What went wrong, in words. A sample with errors says less than it seems to. */
  readonly errors: readonly string[]
}

export interface LoadResult {
  readonly name: string
  readonly samples: Readonly<Partial<Record<ContenderName, readonly Sample[]>>>
}

/** The machine and the programs that results come from. */
export interface BenchEnvironment {
  readonly at: string
  readonly machine: Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, string>>
}

/** A whole run, as it is kept in bench/results.json. */
export interface Results {
  readonly circumstances: BenchEnvironment
  readonly rounds: number
  /** How long the whole run took. */
  readonly seconds: number
  /** Contenders that could not take part, and why. */
  readonly missing: Readonly<Partial<Record<ContenderName, string>>>
  readonly loads: readonly LoadResult[]
}

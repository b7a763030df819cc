import { type BenchEnvironment } from '../report/results.js'
import { type CaseFigures } from './case-figures.js'
import { type LoadSize } from './load/load-size.js'

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
  /** Where some setups were measured, if that was in a virtual machine. */
  readonly inVm?: VmRun
}

/** A run in a virtual machine, with another load than on a node. */
export interface VmRun {
  readonly circumstances: BenchEnvironment
  /** The names of its setups. */
  readonly setups: readonly string[]
  readonly load: LoadSize
}

/** The results of a run, and why those of another setup are missing. */
export function addMissing(
  { missing, ...rest }: ReliabilityResults,
  title: string,
  reason: string,
): ReliabilityResults {
  return { ...rest, missing: { ...missing, [title]: reason } }
}

/** The results with those of setups that were measured in a virtual machine, in place of earlier ones. */
export function addVmRun(
  { missing, results, ...rest }: ReliabilityResults,
  ofVm: ReliabilityResults,
  titles: Readonly<Record<string, string>>,
  load: LoadSize,
): ReliabilityResults {
  const setups = Object.keys(titles)
  return {
    ...rest,
    missing: Object.fromEntries(Object.entries(missing).filter(([title]) => !Object.values(titles).includes(title))),
    results: [...results.filter(({ setup }) => !setups.includes(setup)), ...ofVm.results],
    inVm: { circumstances: ofVm.circumstances, setups, load },
  }
}

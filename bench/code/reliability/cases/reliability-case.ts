import { type CaseSite, type CaseRecord } from '../case-site.js'
import { type Setup } from '../setups.js'
import { type CaseFigures } from '../case-figures.js'

/** One thing that happens to a proxy. */
export interface ReliabilityCase {
  readonly name: string
  readonly title: string
  /** What happens, step by step, for the report. */
  readonly description: string
  /** What the project promises. */
  readonly promise: string
  appliesTo(setup: Setup): boolean
  run(site: CaseSite): Promise<CaseRecord>
  /** Whether the figures keep the promise. */
  isKept(figures: CaseFigures, setup: Setup): boolean
}

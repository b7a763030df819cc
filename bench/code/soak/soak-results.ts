import { type BenchEnvironment } from '../report/results.js'
import { type ChurnCounts } from './churn/churn.js'
import { type RecordedError, type Tallies } from './client/tally.js'

/** What some processes of the proxy hold together. */
export interface ProcessUsageTotals {
  readonly rssBytes: number
  /** With what is shared with any other process of the machine counted by its share. */
  readonly pssBytes: number
  readonly descriptors: number
}

/** What the proxy said of itself. */
export interface ScrapedMetrics {
  /** TCP connections that are open. */
  readonly connections: number
  /** UDP flows that are open. */
  readonly flows: number
  /** The heap that JavaScript of the control process uses, in bytes, garbage included. */
  readonly heapBytes: number
  readonly workers: number
  readonly restarts: number
}

/** The proxy at one moment. */
export interface SoakSample {
  /** Seconds since the load began. */
  readonly at: number
  readonly control: ProcessUsageTotals
  /** All workers together. */
  readonly workers: ProcessUsageTotals
  /** Not in every sample: the page is asked for less often. */
  readonly metrics?: ScrapedMetrics
}

/** A whole soak, as it is kept in a file. */
export interface SoakResults {
  readonly circumstances: BenchEnvironment
  /** How long it was to be. */
  readonly minutes: number
  readonly samples: readonly SoakSample[]
  readonly tallies: Tallies
  readonly recordedErrors: readonly RecordedError[]
  readonly changes: ChurnCounts
  /** The proxy's log. */
  readonly log: readonly string[]
  /** User and system time of all processes of the proxy, in seconds. */
  readonly cpuSeconds: number
}

/** Lines of the proxy's log that tell of errors. */
export function findErrorLines({ log }: SoakResults): string[] {
  return log.filter(line => /^[EF]\d{4} /.test(line))
}

/** What every judgement leaves out: 5 of 30 minutes, and of a shorter soak as large a part. */
export function warmUpSeconds(minutes: number): number {
  return Math.min(5, minutes / 6) * 60
}

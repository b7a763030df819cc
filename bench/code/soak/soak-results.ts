import { type BenchEnvironment } from '../report/results.js'
import { type ChurnCounts } from './churn/churn.js'
import { type RecordedError, type Tallies } from './client/tally.js'

/** The resources of some processes of the proxy together. */
export interface ProcessUsageTotals {
  readonly rssBytes: number
  /** Proportional set size: a shared page counts by its share. */
  readonly pssBytes: number
  readonly descriptors: number
}

/** Values of the proxy's own metrics. */
export interface ScrapedMetrics {
  /** Open TCP connections. */
  readonly connections: number
  /** Open UDP flows. */
  readonly flows: number
  /** The used JavaScript heap of the control process in bytes, including garbage. */
  readonly heapBytes: number
  readonly workers: number
  readonly restarts: number
}

/** The proxy at one moment. */
export interface SoakSample {
  /** Seconds since the start of the load. */
  readonly at: number
  readonly control: ProcessUsageTotals
  /** All workers together. */
  readonly workers: ProcessUsageTotals
  /** Not in every sample: the metrics are read less often. */
  readonly metrics?: ScrapedMetrics
}

/** The results of a soak, as stored in a file. */
export interface SoakResults {
  readonly circumstances: BenchEnvironment
  /** The planned length. */
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

/** Error lines of the proxy's log. */
export function findErrorLines({ log }: SoakResults): string[] {
  return log.filter(line => /^[EF]\d{4} /.test(line))
}

/** The length of the warm-up, which is not judged: 5 of 30 minutes, and the same part of a shorter soak. */
export function warmUpSeconds(minutes: number): number {
  return Math.min(5, minutes / 6) * 60
}

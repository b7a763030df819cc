import { type Contender, type ContenderName, type RunningContender } from '../contenders/contender.js'
import { type Sample } from '../report/results.js'
import { type ClusterSize } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { type TimeLimitExceeded } from '../time-limit-exceeded.js'

/** One number that a load measures. */
export interface Metric {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Digits after the decimal point in tables. */
  readonly digits?: number
}

/** A contender and its testbed. */
export interface ContenderControl {
  readonly contender: Contender
  readonly site: Testbed
  /** Length of a sample in seconds. */
  readonly seconds: number
  /** The running contender in a cluster of this size; starts it if needed. */
  ensureRunning(size: ClusterSize): Promise<RunningContender>
  /** The contender after a new start. */
  restart(size: ClusterSize): Promise<RunningContender>
  /** Stops it if it would disturb the others. */
  stop(): Promise<void>
  /** Stops it for good in clusters of this size, because it takes too long there. */
  markTooSlow(size: ClusterSize, why: TimeLimitExceeded): Promise<void>
}

/** One kind of work that is the same for every contender. */
export interface Load {
  readonly name: string
  readonly title: string
  /** The work and the metrics, in one or two sentences for the report. */
  readonly description: string
  /** The first one is the main metric. */
  readonly metrics: readonly Metric[]
  /** Length of one sample in seconds; a quick run shortens it. */
  readonly seconds: number
  /** The contenders. */
  readonly contenders: readonly ContenderName[]
  /** The useful maximum of rounds. */
  readonly maxRounds?: number
  /** Metrics of a contender that exceeds its time limit: they are larger than the limit. */
  readonly timeLimitedMetrics?: readonly Metric[]
  /** A contender that takes more seconds for a turn gets no more turns. */
  readonly maxTurnSeconds?: number
  /** The reason why others do not take part, for the report. */
  readonly exclusionNote?: string
  takeSample(stage: ContenderControl): Promise<Sample>
}

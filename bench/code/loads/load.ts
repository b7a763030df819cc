import { type Contender, type ContenderName, type RunningContender } from '../contenders/contender.js'
import { type Sample } from '../report/results.js'
import { type ClusterSize } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { type TimeLimitExceeded } from '../time-limit-exceeded.js'

/** One number that a load gives. */
export interface Metric {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Digits after the point, in tables. */
  readonly digits?: number
}

/** A contender and its place. */
export interface ContenderControl {
  readonly contender: Contender
  readonly site: Testbed
  /** Seconds that a sample's load should last. */
  readonly seconds: number
  /** The contender as it runs, when it runs in a cluster of this size; started otherwise. */
  ensureRunning(size: ClusterSize): Promise<RunningContender>
  /** The contender started anew. */
  restart(size: ClusterSize): Promise<RunningContender>
  /** Ends it, where it would disturb the others by what it does. */
  stop(): Promise<void>
  /** Ends it, and has it not be started again in a cluster of this size: it takes too long there. */
  markTooSlow(size: ClusterSize, why: TimeLimitExceeded): Promise<void>
}

/** One kind of work, the same for every contender. */
export interface Load {
  readonly name: string
  readonly title: string
  /** What is done and what is counted, in a sentence or two for the report. */
  readonly description: string
  /** The first is the one that a load is about. */
  readonly metrics: readonly Metric[]
  /** Seconds that one sample lasts; what is cut down for a quick look. */
  readonly seconds: number
  /** Who takes part. */
  readonly contenders: readonly ContenderName[]
  /** More rounds than these are not worth their time. */
  readonly maxRounds?: number
  /** Numbers that a contender which takes too long has all the same: they are larger than its limit. */
  readonly timeLimitedMetrics?: readonly Metric[]
  /** Who has taken more seconds than these for a turn takes no more turns. */
  readonly maxTurnSeconds?: number
  /** Why others do not, for the report. */
  readonly exclusionNote?: string
  takeSample(stage: ContenderControl): Promise<Sample>
}

import { type Contender, type ContenderName, type Running } from '../contenders/contender.js'
import { type Sample } from '../report/results.js'
import { type ClusterSize } from '../site/bench-service.js'
import { type BenchSite } from '../site/bench-site.js'
import { type TakesTooLong } from '../takes-too-long.js'

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
export interface Stage {
  readonly contender: Contender
  readonly site: BenchSite
  /** Seconds that a sample's load should last. */
  readonly seconds: number
  /** The contender as it runs, when it runs in a cluster of this size; started otherwise. */
  running(size: ClusterSize): Promise<Running>
  /** The contender started anew. */
  fresh(size: ClusterSize): Promise<Running>
  /** Ends it, where it would disturb the others by what it does. */
  stop(): Promise<void>
  /** Ends it, and has it not be started again in a cluster of this size: it takes too long there. */
  giveUp(size: ClusterSize, why: TakesTooLong): Promise<void>
}

/** One kind of work, the same for every contender. */
export interface Load {
  readonly name: string
  readonly title: string
  /** What is done and what is counted, in a sentence or two for the report. */
  readonly about: string
  /** The first is the one that a load is about. */
  readonly metrics: readonly Metric[]
  /** Seconds that one sample lasts; what is cut down for a quick look. */
  readonly seconds: number
  /** Who takes part. */
  readonly contenders: readonly ContenderName[]
  /** More rounds than these are not worth their time. */
  readonly mostRounds?: number
  /** Numbers that a contender which takes too long has all the same: they are larger than its limit. */
  readonly limited?: readonly Metric[]
  /** Who has taken more seconds than these for a turn takes no more turns. */
  readonly longTurn?: number
  /** Why others do not, for the report. */
  readonly leftOut?: string
  run(stage: Stage): Promise<Sample>
}

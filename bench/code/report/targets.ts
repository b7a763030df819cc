import { type ContenderName } from '../contenders/contender.js'
import { type Load, type Metric } from '../loads/load.js'
import { isTimedOut } from './timed-out.js'
import { type Results, type Sample } from './results.js'
import { type Summary, type Verdict, noise, meetsTarget, summarize } from './statistics.js'

interface TargetRatio {
  readonly against: ContenderName
  /** For the ratio of medians: this proxy divided by `against`. "equal": within the noise of both, or better. */
  readonly ratio: number | 'equal'
}

/** A target for one metric of this proxy, compared with another contender in the same run. */
export interface Target {
  readonly title: string
  readonly load: string
  readonly metric: string
  /** The contender of this proxy; `kube-proxy-node` by default. */
  readonly contender?: ContenderName
  readonly required: TargetRatio
  readonly stretch?: TargetRatio
}

const original = (ratio: number): TargetRatio => ({ against: 'original', ratio })
const haproxy = (ratio: number): TargetRatio => ({ against: 'haproxy', ratio })

const bulk = (title: string, load: string): Target => ({
  title: `bulk bytes per CPU-second, ${title}`,
  load,
  metric: 'perCpu',
  required: original(1.2),
  stretch: haproxy(2),
})

export const USERSPACE_TARGETS: readonly Target[] = [
  {
    title: 'keep-alive requests per CPU-second',
    load: 'keep-alive',
    metric: 'perCpu',
    required: original(1.25),
    stretch: haproxy(1),
  },
  {
    title: 'new connections per CPU-second',
    load: 'new-connections',
    metric: 'perCpu',
    required: original(1.2),
    stretch: haproxy(0.9),
  },
  bulk('to the Pod, 1 stream', 'bulk-to-pod-1'),
  bulk('from the Pod, 1 stream', 'bulk-from-pod-1'),
  bulk('to the Pod, 16 streams', 'bulk-to-pod-16'),
  bulk('from the Pod, 16 streams', 'bulk-from-pod-16'),
  {
    title: 'UDP answers per CPU-second',
    load: 'udp-offered',
    metric: 'perCpu',
    required: original(1.2),
    stretch: original(1.5),
  },
  {
    title: 'one request at a time, median latency',
    load: 'one-at-a-time',
    metric: 'p50',
    required: original(1.1),
    stretch: original(1),
  },
  {
    title: 'p99 at half of saturation during a relist of 50,000 endpoints',
    load: 'relist',
    metric: 'p99',
    required: original(1),
  },
  {
    title: 'memory of 1,000 idle connections',
    load: 'idle-connections',
    metric: 'memory',
    required: original(0.7),
    stretch: original(0.4),
  },
  {
    title: '1,000 Services from the first list to the last rule',
    load: 'programming-1000',
    metric: 'fromList',
    required: original(0.02),
    stretch: original(0.01),
  },
  {
    title: '1,000 Services from the start of the process to the last rule',
    load: 'programming-1000',
    metric: 'fromStart',
    required: original(0.02),
    stretch: original(0.01),
  },
  {
    title: 'memory of the whole program at 1,000 Services',
    load: 'programming-1000',
    metric: 'memory',
    required: original(2.5),
    stretch: original(1.5),
  },
]

/** A target and its result. */
export interface TargetOutcome {
  readonly target: Target
  readonly better: Metric['better']
  /** This proxy divided by the other contender; undefined if one of them was not measured. */
  readonly ratio: number | undefined
  /** Set if one of them exceeded its time limit: then the ratio is only an upper or lower bound. */
  readonly bound: 'most' | 'least' | undefined
  /** The relative noise of the ratio. */
  readonly noise: number | undefined
  readonly stretchRatio: number | undefined
  readonly verdict: Verdict | 'not measured'
}

/** @param loads with the direction in which each metric is better */
export function evaluateTarget(target: Target, results: Results, loads: readonly Load[]): TargetOutcome {
  const metric = loads.find(({ name }) => name === target.load)?.metrics.find(({ name }) => name === target.metric)
  if (metric === undefined) throw new Error(`The target "${target.title}" is of a metric that no load has`)
  const { better } = metric
  const measured = (contender: ContenderName): MeasuredValue | undefined => findMeasured(results, target, contender)
  const our = measured(target.contender ?? 'kube-proxy-node')
  const compared = (limit: TargetRatio | undefined): Comparison | undefined =>
    limit === undefined ? undefined : compareValues(our, measured(limit.against), better, limit.ratio)
  const required = compared(target.required)
  const stretch = compared(target.stretch)
  const verdict = required?.reached === true ? (stretch?.reached === true ? 'stretch' : 'met') : 'missed'
  return {
    target,
    better,
    ratio: required?.ratio,
    bound: required?.bound,
    noise: required?.noise,
    stretchRatio: stretch?.ratio,
    verdict: required?.reached === undefined ? 'not measured' : verdict,
  }
}

interface MeasuredValue {
  readonly summary: Summary
  readonly isTimedOut: boolean
}

function findMeasured(results: Results, { load, metric }: Target, contender: ContenderName): MeasuredValue | undefined {
  const summary = summarize(valuesOf(results, load, contender, metric))
  return summary === undefined
    ? undefined
    : { summary, isTimedOut: isTimedOut(samplesOf(results, load, contender), metric) }
}

interface Comparison extends Pick<TargetOutcome, 'bound' | 'noise'> {
  readonly ratio: number
  /** Undefined if the result is not known. */
  readonly reached: boolean | undefined
}

function compareValues(
  our: MeasuredValue | undefined,
  their: MeasuredValue | undefined,
  better: Metric['better'],
  required: TargetRatio['ratio'],
): Comparison | undefined {
  if (our === undefined || their === undefined) return undefined
  const ratio = our.summary.median / their.summary.median
  const bound = our.isTimedOut ? 'least' : their.isTimedOut ? 'most' : undefined
  const off = noise(our.summary, their.summary)
  const limit = required !== 'equal' ? required : better === 'higher' ? 1 - off : 1 + off
  const reached = meetsTarget(ratio, limit, better)
  // An upper bound can only prove a target to stay below, and a lower bound only a target to exceed.
  const isConclusive =
    bound === undefined || (our.isTimedOut !== their.isTimedOut && reached === (bound === 'most') && better === 'lower')
  return { ratio, bound, noise: required === 'equal' ? off : undefined, reached: isConclusive ? reached : undefined }
}

/** All samples of one metric. */
export function valuesOf(results: Results, load: string, contender: ContenderName, metric: string): number[] {
  return samplesOf(results, load, contender)
    .map(({ values }) => values[metric])
    .filter(value => value !== undefined)
}

function samplesOf(results: Results, load: string, contender: ContenderName): readonly Sample[] {
  return results.loads.find(({ name }) => name === load)?.samples[contender] ?? []
}

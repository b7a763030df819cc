import { type ContenderName } from '../contenders/contender.js'
import { type Load, type Metric } from '../loads/load.js'
import { type Results } from './results.js'
import { type Verdict, reaches, summarize } from './statistics.js'

interface Limit {
  readonly against: ContenderName
  /** Of the medians: ours divided by that of `against`. */
  readonly ratio: number
}

/** What one number of ours should be, against another contender in the same run. */
export interface Target {
  readonly title: string
  readonly load: string
  readonly metric: string
  readonly wanted: Limit
  readonly stretch?: Limit
}

const original = (ratio: number): Limit => ({ against: 'original', ratio })
const haproxy = (ratio: number): Limit => ({ against: 'haproxy', ratio })

const bulk = (title: string, load: string): Target => ({
  title: `bulk bytes per CPU-second, ${title}`,
  load,
  metric: 'perCpu',
  wanted: original(1.2),
  stretch: haproxy(2),
})

export const TARGETS: readonly Target[] = [
  {
    title: 'keep-alive requests per CPU-second',
    load: 'keep-alive',
    metric: 'perCpu',
    wanted: original(1.25),
    stretch: haproxy(1),
  },
  {
    title: 'new connections per CPU-second',
    load: 'new-connections',
    metric: 'perCpu',
    wanted: original(1.2),
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
    wanted: original(1.2),
    stretch: original(1.5),
  },
  {
    title: 'one request at a time, median latency',
    load: 'one-at-a-time',
    metric: 'p50',
    wanted: original(1.1),
    stretch: original(1),
  },
  {
    title: 'p99 at half of saturation while 50,000 endpoints are listed anew',
    load: 'relist',
    metric: 'p99',
    wanted: original(1),
  },
  {
    title: 'memory of 1,000 idle connections',
    load: 'idle-connections',
    metric: 'memory',
    wanted: original(0.7),
    stretch: original(0.4),
  },
  {
    title: '1,000 Services from the first list to the last rule',
    load: 'programming-1000',
    metric: 'fromList',
    wanted: original(0.02),
    stretch: original(0.01),
  },
  {
    title: '1,000 Services from the start of the process to the last rule',
    load: 'programming-1000',
    metric: 'fromStart',
    wanted: original(0.02),
    stretch: original(0.01),
  },
  {
    title: 'memory of the whole program at 1,000 Services',
    load: 'programming-1000',
    metric: 'memory',
    wanted: original(2.5),
    stretch: original(1.5),
  },
]

/** A target and what became of it. */
export interface Outcome {
  readonly target: Target
  readonly better: Metric['better']
  /** Ours divided by that of the contender it is wanted against; undefined when one of the two was not measured. */
  readonly ratio: number | undefined
  readonly stretchRatio: number | undefined
  readonly verdict: Verdict | 'not measured'
}

/** @param loads to know which way a metric is better */
export function outcomeOf(target: Target, results: Results, loads: readonly Load[]): Outcome {
  const metric = loads.find(({ name }) => name === target.load)?.metrics.find(({ name }) => name === target.metric)
  if (metric === undefined) throw new Error(`The target "${target.title}" is of a metric that no load has`)
  const { better } = metric
  const median = (contender: ContenderName): number | undefined =>
    summarize(valuesOf(results, target.load, contender, target.metric))?.median
  const against = (limit: Limit | undefined): number | undefined => {
    const [our, their] = [median('ours'), limit === undefined ? undefined : median(limit.against)]
    return our === undefined || their === undefined ? undefined : our / their
  }
  const ratio = against(target.wanted)
  const stretchRatio = against(target.stretch)
  if (ratio === undefined) return { target, better, ratio, stretchRatio, verdict: 'not measured' }
  const met = reaches(ratio, target.wanted.ratio, better)
  const stretched = stretchRatio !== undefined && reaches(stretchRatio, target.stretch!.ratio, better)
  return { target, better, ratio, stretchRatio, verdict: met ? (stretched ? 'stretch' : 'met') : 'missed' }
}

/** All samples of one number. */
export function valuesOf(results: Results, load: string, contender: ContenderName, metric: string): number[] {
  const samples = results.loads.find(({ name }) => name === load)?.samples[contender] ?? []
  return samples.map(({ values }) => values[metric]).filter(value => value !== undefined)
}

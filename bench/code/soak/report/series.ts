import { type SoakSample } from '../soak-results.js'
import { type Point } from './growth.js'

const MIB = 2 ** 20

/** A number of the proxy over time. */
export interface Series {
  readonly title: string
  readonly unit: 'MiB' | 'descriptors'
  /** Undefined: not known of this sample. */
  readonly valueOf: (sample: SoakSample) => number | undefined
  /** How much it may rise over the whole time after the warm-up of a whole soak; undefined when it is only shown. */
  readonly allowedGrowth: number | undefined
}

/**
 * Less than what a leak of 200 KiB a minute comes to in the 25 minutes after the warm-up, which is 4.9 MiB. A process that leaks nothing takes
 * up some by itself: code that is compiled when it has run often enough, gaps between what is allocated.
 */
const MEMORY_MIB = 4
/** In a soak that is too short for a process to have settled. */
const SHORT_SOAK_EXTRA_MIB = 40
/** Half of one descriptor a minute. Less is what changes between the look at the descriptors and the metrics. */
const DESCRIPTORS = 12
/** A soak of so many minutes is a whole one. */
export const FULL_SOAK_MINUTES = 30

export const CONTROL_MEMORY: Series = {
  title: 'memory of the control process (RSS)',
  unit: 'MiB',
  valueOf: ({ control }) => control.rssBytes / MIB,
  allowedGrowth: MEMORY_MIB,
}
export const WORKER_MEMORY: Series = {
  title: 'memory of the data-plane workers (RSS)',
  unit: 'MiB',
  valueOf: ({ workers }) => workers.rssBytes / MIB,
  allowedGrowth: MEMORY_MIB,
}
/** Not judged: it changes with every other program on the machine that shares pages with the proxy, as Node's do. */
export const SHARED_MEMORY: Series = {
  title: 'memory of all, what is shared by its share (PSS)',
  unit: 'MiB',
  valueOf: ({ control, workers }) => (control.pssBytes + workers.pssBytes) / MIB,
  allowedGrowth: undefined,
}
/** What RSS may hide: a process that gives memory back to the system, or takes it, for other reasons than what it keeps. */
export const CONTROL_HEAP: Series = {
  title: 'JavaScript heap of the control process',
  unit: 'MiB',
  valueOf: ({ metrics }) => (metrics === undefined ? undefined : metrics.heapBytes / MIB),
  allowedGrowth: MEMORY_MIB,
}
export const CONTROL_DESCRIPTORS: Series = {
  title: 'descriptors of the control process',
  unit: 'descriptors',
  valueOf: ({ control }) => control.descriptors,
  allowedGrowth: DESCRIPTORS,
}
/** Not judged by itself: more connections and flows at a moment need more. */
export const WORKER_DESCRIPTORS: Series = {
  title: 'descriptors of the data-plane workers',
  unit: 'descriptors',
  valueOf: ({ workers }) => workers.descriptors,
  allowedGrowth: undefined,
}
/** A connection has one to its client and one to its endpoint; the flows of a client share the listener's. */
export const LOAD_DESCRIPTORS: Series = {
  title: 'needed for connections and flows',
  unit: 'descriptors',
  valueOf: ({ metrics }) => (metrics === undefined ? undefined : 2 * metrics.connections + metrics.flows),
  allowedGrowth: undefined,
}
/** Listeners, and what else a process needs; and whatever was not closed. */
export const UNEXPLAINED_DESCRIPTORS: Series = {
  title: 'descriptors of the workers beyond those needed',
  unit: 'descriptors',
  valueOf: sample => {
    const needed = LOAD_DESCRIPTORS.valueOf(sample)
    return needed === undefined ? undefined : sample.workers.descriptors - needed
  },
  allowedGrowth: DESCRIPTORS,
}

export const ALL_SERIES: readonly Series[] = [
  CONTROL_MEMORY,
  WORKER_MEMORY,
  SHARED_MEMORY,
  CONTROL_HEAP,
  CONTROL_DESCRIPTORS,
  WORKER_DESCRIPTORS,
  LOAD_DESCRIPTORS,
  UNEXPLAINED_DESCRIPTORS,
]

/** How much a series may rise in a soak of so many minutes; undefined when it is only shown. */
export function computeAllowedGrowth({ allowedGrowth, unit }: Series, minutes: number): number | undefined {
  return allowedGrowth !== undefined && unit === 'MiB' && minutes < FULL_SOAK_MINUTES
    ? allowedGrowth + SHORT_SOAK_EXTRA_MIB
    : allowedGrowth
}

export function buildPoints({ valueOf }: Series, samples: readonly SoakSample[]): Point[] {
  return samples.flatMap(sample => {
    const value = valueOf(sample)
    return value === undefined ? [] : [{ at: sample.at, value }]
  })
}

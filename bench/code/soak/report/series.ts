import { type SoakSample } from '../soak-results.js'
import { type Point } from './growth.js'

const MIB = 2 ** 20

/** A metric of the proxy over time. */
export interface Series {
  readonly title: string
  readonly unit: 'MiB' | 'descriptors'
  /** Undefined if this sample does not contain it. */
  readonly valueOf: (sample: SoakSample) => number | undefined
  /** How much it may rise after the warm-up of a full soak; undefined if it is not judged. */
  readonly allowedGrowth: number | undefined
}

/**
 * Less than a leak of 200 KiB per minute in the 25 minutes after the warm-up (4.9 MiB). A process without leaks grows
 * a little too: by code that is compiled later, and by fragmentation.
 */
const MEMORY_MIB = 4
/** The limit in a soak that is too short for a process to settle. */
const SHORT_SOAK_EXTRA_MIB = 40
/** Half a descriptor per minute. Smaller changes happen between the reads of descriptors and metrics. */
const DESCRIPTORS = 12
/** The length of a full soak in minutes. */
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
/** Not judged: it changes with other programs that share pages with the proxy, such as other Node.js processes. */
export const SHARED_MEMORY: Series = {
  title: 'memory of all processes, shared pages by their share (PSS)',
  unit: 'MiB',
  valueOf: ({ control, workers }) => (control.pssBytes + workers.pssBytes) / MIB,
  allowedGrowth: undefined,
}
/** RSS can hide a leak, because a process also takes memory from the system or returns it for other reasons. */
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
/** Not judged: it depends on the current number of connections and flows. */
export const WORKER_DESCRIPTORS: Series = {
  title: 'descriptors of the data-plane workers',
  unit: 'descriptors',
  valueOf: ({ workers }) => workers.descriptors,
  allowedGrowth: undefined,
}
/** A connection has one descriptor for its client and one for its endpoint; a flow has one, because clients share the listener. */
export const LOAD_DESCRIPTORS: Series = {
  title: 'descriptors for connections and flows',
  unit: 'descriptors',
  valueOf: ({ metrics }) => (metrics === undefined ? undefined : 2 * metrics.connections + metrics.flows),
  allowedGrowth: undefined,
}
/** Descriptors of listeners, of the process itself, and leaked ones. */
export const UNEXPLAINED_DESCRIPTORS: Series = {
  title: 'other descriptors of the workers',
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

/** How much a series may rise in a soak of this length; undefined if it is not judged. */
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

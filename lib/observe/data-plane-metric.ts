import {
  type DataPlaneCounts,
  type ListenerCounts,
  type MemoryCounts,
  type SharedBudgetCounts,
} from '../dataplane/data-plane.js'

/** Labels that metrics of the data plane may have. */
export type LabelName = 'ip_family' | 'namespace' | 'service' | 'port' | 'protocol' | 'direction' | 'reason' | 'purpose'

/** One value of a metric with its labels. */
export interface Sample {
  readonly labels: Readonly<Partial<Record<LabelName, string>>>
  readonly value: number
}

/** A metric whose values the data plane counts, and that a scrape reads. */
export interface DataPlaneMetric {
  readonly type: 'counter' | 'gauge'
  /** Without the prefix `kubeproxy_`. */
  readonly name: string
  readonly help: string
  readonly labels: readonly LabelName[]
  readonly read: (counts: DataPlaneCounts) => readonly Sample[]
}

const PORT_LABELS = ['ip_family', 'namespace', 'service', 'port', 'protocol'] as const

/** Creates a metric with one value for the whole data plane. Here and below, `name` is without the prefix `kubeproxy_userspace_`. */
export function unlabelledMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  valueOf: (counts: DataPlaneCounts) => number,
): DataPlaneMetric {
  return { type, name: `userspace_${name}`, help, labels: [], read: counts => [{ labels: {}, value: valueOf(counts) }] }
}

/**
 * Creates a metric with one value for each Service port.
 * @param join how the listeners of a Service port, which may have one for each traffic class, become one value
 */
export function perPortMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  valueOf: (listener: ListenerCounts) => number,
  join: (a: number, b: number) => number = add,
): DataPlaneMetric {
  const read = ({ listeners }: DataPlaneCounts): readonly Sample[] =>
    mergeByLabels(
      listeners.map(listener => ({ labels: portLabels(listener), value: valueOf(listener) })),
      join,
    )
  return { type, name: `userspace_${name}`, help, labels: PORT_LABELS, read }
}

/**
 * Creates a metric that divides what it counts for a Service port by one more label.
 * @param valuesOf the values of a listener by that label; none: the listener adds no series
 */
export function dividedPortMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  label: LabelName,
  valuesOf: (listener: ListenerCounts) => Readonly<Record<string, number>>,
): DataPlaneMetric {
  const read = ({ listeners }: DataPlaneCounts): readonly Sample[] =>
    mergeByLabels(
      listeners.flatMap(listener =>
        Object.entries(valuesOf(listener)).map(([part, value]) => ({
          labels: { ...portLabels(listener), [label]: part },
          value,
        })),
      ),
      add,
    )
  return { type, name: `userspace_${name}`, help, labels: [...PORT_LABELS, label], read }
}

/** How the label `purpose` names each use of memory. */
const MEMORY_PURPOSES: readonly (readonly [keyof MemoryCounts, string])[] = [
  ['heldBack', 'held-back'],
  ['unanswered', 'unanswered-datagrams'],
  ['sendQueue', 'queued-datagrams'],
  ['affinity', 'affinity'],
]

/** Creates a metric with one value for each use of memory. */
export function memoryMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  valueOf: (counts: SharedBudgetCounts) => number,
): DataPlaneMetric {
  const read = ({ memory }: DataPlaneCounts): readonly Sample[] =>
    MEMORY_PURPOSES.map(([key, purpose]) => ({ labels: { purpose }, value: valueOf(memory[key]) }))
  return { type, name: `userspace_${name}`, help: `${help}, by purpose`, labels: ['purpose'], read }
}

/** Makes one sample of all samples with equal labels. */
function mergeByLabels(samples: readonly Sample[], join: (a: number, b: number) => number): readonly Sample[] {
  const byLabels = new Map<string, Sample>()
  for (const sample of samples) {
    const key = Object.values(sample.labels).join('\n')
    const before = byLabels.get(key)
    byLabels.set(key, before === undefined ? sample : { ...sample, value: join(before.value, sample.value) })
  }
  return [...byLabels.values()]
}

function add(a: number, b: number): number {
  return a + b
}

function portLabels({ key, namespace, service, portName, protocol }: ListenerCounts): Sample['labels'] {
  // The key of a Service port starts with its family: `IPv4/namespace/name:port/TCP`.
  return { ip_family: key.slice(0, key.indexOf('/')), namespace, service, port: portName, protocol }
}

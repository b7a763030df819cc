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

/** The metrics of the data plane. A dual-stack Service has separate series for each family. */
export const DATA_PLANE_METRICS: readonly DataPlaneMetric[] = [
  perPortMetric(
    'counter',
    'connections_total',
    'TCP connections accepted and UDP flows opened',
    ({ traffic }) => traffic.connections,
  ),
  perPortMetric(
    'gauge',
    'connections_active',
    'TCP connections and UDP flows that are open',
    ({ traffic }) => traffic.active,
  ),
  {
    type: 'counter',
    name: 'userspace_bytes_total',
    help: 'Payload bytes forwarded',
    labels: [...PORT_LABELS, 'direction'],
    read: ({ listeners }) =>
      mergeByLabels(
        listeners.flatMap(listener => {
          const labels = portLabels(listener)
          return [
            { labels: { ...labels, direction: 'to_endpoint' }, value: listener.traffic.bytesToEndpoint },
            { labels: { ...labels, direction: 'to_client' }, value: listener.traffic.bytesToClient },
          ]
        }),
        add,
      ),
  },
  perPortMetric(
    'counter',
    'dial_failures_total',
    'Attempts to reach an endpoint that failed',
    ({ traffic }) => traffic.dialFailures,
  ),
  perPortMetric('counter', 'refused_total', 'Clients that were rejected', ({ traffic }) => traffic.refused),
  {
    type: 'counter',
    name: 'userspace_shed_total',
    help: 'Clients rejected and datagrams dropped at a connection limit; only for Services with limits',
    labels: [...PORT_LABELS, 'reason'],
    read: ({ listeners }) =>
      mergeByLabels(
        listeners.flatMap(listener => {
          const { shedAtServiceLimit, shedAtClientLimit } = listener.traffic
          if (!listener.limited && shedAtServiceLimit + shedAtClientLimit === 0) return []
          const labels = portLabels(listener)
          return [
            { labels: { ...labels, reason: 'service-limit' }, value: shedAtServiceLimit },
            { labels: { ...labels, reason: 'client-limit' }, value: shedAtClientLimit },
          ]
        }),
        add,
      ),
  },
  perPortMetric('gauge', 'endpoints', 'Endpoints that can get new clients', ({ endpoints }) => endpoints, Math.max),
  perPortMetric(
    'gauge',
    'endpoints_ejected',
    'Endpoints that get no new clients for now, because connections to them failed',
    ({ traffic }) => traffic.ejected,
    Math.max,
  ),
  perPortMetric(
    'counter',
    'ejections_total',
    'Times an endpoint was ejected because connections to it failed',
    ({ traffic }) => traffic.ejections,
  ),
  unlabelledMetric(
    'gauge',
    'listeners_unserved',
    'Listeners that could not be opened, for lack of a port or a descriptor',
    counts => counts.unserved,
  ),
  unlabelledMetric(
    'gauge',
    'descriptors_used',
    'File descriptors that the data plane uses',
    counts => counts.descriptors.used,
  ),
  unlabelledMetric(
    'gauge',
    'descriptors_limit',
    'File descriptors that the data plane may use',
    counts => counts.descriptors.limit,
  ),
  unlabelledMetric(
    'counter',
    'descriptors_waited_total',
    'Clients that waited for a descriptor',
    counts => counts.descriptors.waited,
  ),
  unlabelledMetric(
    'counter',
    'descriptors_shed_total',
    'Clients rejected because no descriptor was available',
    counts => counts.descriptors.shed,
  ),
  unlabelledMetric(
    'counter',
    'descriptors_evicted_total',
    'Idle connections and UDP flows ended because other Services or clients needed a descriptor',
    counts => counts.descriptors.evicted,
  ),
  unlabelledMetric('gauge', 'flows', 'UDP flows that are open', ({ flows }) => flows.used),
  unlabelledMetric('gauge', 'flows_limit', 'Most UDP flows that may be open', ({ flows }) => flows.limit),
  unlabelledMetric(
    'counter',
    'flows_evicted_total',
    'UDP flows ended to make room for new ones',
    ({ flows }) => flows.evicted,
  ),
  unlabelledMetric(
    'counter',
    'flows_shed_total',
    'Datagrams dropped because no UDP flow could be opened',
    ({ flows }) => flows.shed,
  ),
  unlabelledMetric(
    'gauge',
    'dials_in_progress',
    'TCP clients for which the proxy is connecting to an endpoint',
    ({ dials }) => dials.used,
  ),
  unlabelledMetric(
    'gauge',
    'dials_limit',
    'Most TCP clients for which the proxy connects at the same time',
    ({ dials }) => dials.limit,
  ),
  unlabelledMetric(
    'counter',
    'dials_waited_total',
    'Clients that waited because of the limit of dials',
    ({ dials }) => dials.waited,
  ),
  unlabelledMetric(
    'counter',
    'dials_shed_total',
    'Clients rejected because of the limit of dials',
    ({ dials }) => dials.shed,
  ),
  memoryMetric('gauge', 'memory_bytes', 'Memory that the data plane uses', ({ used }) => used),
  memoryMetric('gauge', 'memory_limit_bytes', 'Memory that the data plane may use', ({ limit }) => limit),
  memoryMetric(
    'counter',
    'memory_evicted_total',
    'Connections ended and clients forgotten to free memory',
    ({ evicted }) => evicted,
  ),
  memoryMetric('counter', 'memory_shed_total', 'Datagrams not kept or not sent for lack of memory', ({ shed }) => shed),
  unlabelledMetric('gauge', 'workers', 'Running data-plane worker processes', counts => counts.workers?.running ?? 0),
  unlabelledMetric(
    'counter',
    'worker_restarts_total',
    'Data-plane workers started to replace one that exited',
    counts => counts.workers?.restarts ?? 0,
  ),
]

/** How the label `purpose` names each use of memory. */
const MEMORY_PURPOSES: readonly (readonly [keyof MemoryCounts, string])[] = [
  ['heldBack', 'held-back'],
  ['unanswered', 'unanswered-datagrams'],
  ['sendQueue', 'queued-datagrams'],
  ['affinity', 'affinity'],
]

function memoryMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  valueOf: (counts: SharedBudgetCounts) => number,
): DataPlaneMetric {
  const read = ({ memory }: DataPlaneCounts): readonly Sample[] =>
    MEMORY_PURPOSES.map(([key, purpose]) => ({ labels: { purpose }, value: valueOf(memory[key]) }))
  return { type, name: `userspace_${name}`, help: `${help}, by purpose`, labels: ['purpose'], read }
}

function perPortMetric(
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

/** Adds up the listeners of a Service port, which may have one for each traffic class. */
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

function unlabelledMetric(
  type: DataPlaneMetric['type'],
  name: string,
  help: string,
  valueOf: (counts: DataPlaneCounts) => number,
): DataPlaneMetric {
  return { type, name: `userspace_${name}`, help, labels: [], read: counts => [{ labels: {}, value: valueOf(counts) }] }
}

function portLabels({ key, namespace, service, portName, protocol }: ListenerCounts): Sample['labels'] {
  // The key of a Service port starts with its family: `IPv4/namespace/name:port/TCP`.
  return { ip_family: key.slice(0, key.indexOf('/')), namespace, service, port: portName, protocol }
}

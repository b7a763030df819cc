import {
  type DataPlaneMetric,
  dividedPortMetric,
  memoryMetric,
  perPortMetric,
  unlabelledMetric,
} from './data-plane-metric.js'

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
  dividedPortMetric('counter', 'bytes_total', 'Payload bytes forwarded', 'direction', ({ traffic }) => ({
    to_endpoint: traffic.bytesToEndpoint,
    to_client: traffic.bytesToClient,
  })),
  perPortMetric(
    'counter',
    'dial_failures_total',
    'Attempts to reach an endpoint that failed',
    ({ traffic }) => traffic.dialFailures,
  ),
  perPortMetric('counter', 'refused_total', 'Clients that were rejected', ({ traffic }) => traffic.refused),
  dividedPortMetric(
    'counter',
    'shed_total',
    'Clients rejected and datagrams dropped at a connection limit; only for Services with limits',
    'reason',
    ({ limited, traffic: { shedAtServiceLimit, shedAtClientLimit } }) =>
      limited || shedAtServiceLimit + shedAtClientLimit > 0
        ? { 'service-limit': shedAtServiceLimit, 'client-limit': shedAtClientLimit }
        : {},
  ),
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

import { waitUntilIdle } from '../measure/wait-until-idle.js'
import { ProcessTree } from '../measure/process-tree.js'
import { makeApiObjects } from '../testbed/api-objects.js'
import { type BenchApi } from '../testbed/bench-api.js'
import { type ClusterSize, SMALL_CLUSTER, HTTP_SERVICE, makeServices } from '../testbed/bench-service.js'
import { type Load } from './load.js'
import { CPU_SHARE, P50, P99, PER_CPU } from './metrics.js'
import { measureCpu } from './measure-cpu.js'

const LARGE_CLUSTER: ClusterSize = { services: 5000, endpoints: 10 }
/** About half of the keep-alive requests that userspace proxies can answer on two cores, shared with client and Pod. */
const PER_SECOND = 10_000
const CONNECTIONS = 64
/** The minimum time between two lists. */
const MIN_LIST_INTERVAL_MS = 500
/** How long a proxy with all Services may take to become idle; after that it is measured in any state. */
const IDLE_TIMEOUT_MS = 6000

export const relist: Load = {
  name: 'relist',
  title: 'Relist of 5,000 Services and 50,000 endpoints under load',
  description:
    `${PER_SECOND.toLocaleString('en')} keep-alive requests per second over ${CONNECTIONS} connections, about half of the saturation of ` +
    'the proxies. The API server repeatedly ends every watch, so that the proxy lists all Services and endpoints again. ' +
    'During the load the original is still writing its rules, which takes many minutes.',
  metrics: [
    P99,
    P50,
    PER_CPU('requests'),
    CPU_SHARE,
    { name: 'lists', title: 'lists', unit: '', better: 'higher', digits: 0 },
  ],
  seconds: 4,
  contenders: ['kube-proxy-node', 'original'],
  exclusionNote: 'The others watch no API server.',
  async takeSample(stage) {
    // The measured Service comes first, so that it is served before all others are.
    const running = await stage.restart(SMALL_CLUSTER)
    const api = running.api!
    await api.put(makeServices(LARGE_CLUSTER).slice(SMALL_CLUSTER.services).flatMap(makeApiObjects))
    await waitUntilIdle(new ProcessTree(running.pids), IDLE_TIMEOUT_MS)
    const before = (await api.readListCounts()).lists
    const { ip, port } = running.addressOf(HTTP_SERVICE)!
    const listing = expireWatches(api, stage.seconds * 1000)
    const { result, values } = await measureCpu(
      running,
      () => stage.site.client.runSteadyRequests(ip, port, PER_SECOND, stage.seconds, CONNECTIONS),
      ({ answered }) => ({ work: answered, seconds: stage.seconds }),
    )
    await listing
    const lists = (await api.readListCounts()).lists - before
    await stage.stop()
    const { answered, sent, p50, p99 } = result
    const errors = answered < sent ? [`${sent - answered} of ${sent} requests had no answer`] : []
    if (lists < 2) errors.push(`only ${lists} lists were asked for meanwhile`)
    return { values: { ...values, p50, p99, lists }, errors }
  },
}

async function expireWatches(api: BenchApi, durationMs: number): Promise<void> {
  const end = Date.now() + durationMs
  while (Date.now() < end) {
    await api.expireWatches()
    await new Promise(resolve => setTimeout(resolve, MIN_LIST_INTERVAL_MS))
  }
}

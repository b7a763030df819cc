import { comeToRest } from '../measure/come-to-rest.js'
import { ProcessTree } from '../measure/process-tree.js'
import { apiObjectsOf } from '../site/api-objects-of.js'
import { type BenchApi } from '../site/bench-api.js'
import { type ClusterSize, SMALL, WEB, servicesOf } from '../site/bench-service.js'
import { type Load } from './load.js'
import { CPU_SHARE, P50, P99, PER_CPU } from './metrics.js'
import { withCpu } from './with-cpu.js'

const LARGE: ClusterSize = { services: 5000, endpoints: 10 }
/** About half of the keep-alive requests that userspace proxies answer on two cores that they share with client and Pod. */
const PER_SECOND = 10_000
const CONNECTIONS = 64
/** The least time between two lists. */
const PERIOD_MS = 500
/** How long a proxy has to come to rest with all Services, before it is measured in whatever state it is. */
const SETTLE_MS = 6000

export const relist: Load = {
  name: 'relist',
  title: 'Listing 5,000 Services and 50,000 endpoints anew, under load',
  about:
    `${PER_SECOND.toLocaleString('en')} keep-alive requests a second over ${CONNECTIONS} connections, about half of what saturates ` +
    'the proxies, while the API server ends every watch time and again, so that all Services and endpoints are listed anew. ' +
    'The original is still writing its rules meanwhile, as it would be for many minutes.',
  metrics: [
    P99,
    P50,
    PER_CPU('requests'),
    CPU_SHARE,
    { name: 'lists', title: 'lists', unit: '', better: 'higher', digits: 0 },
  ],
  seconds: 4,
  contenders: ['ours', 'original'],
  leftOut: 'The others watch no API server.',
  async run(stage) {
    // The Service that is measured comes first, so that it is there although not all are yet.
    const running = await stage.fresh(SMALL)
    const api = running.api!
    await api.put(servicesOf(LARGE).slice(SMALL.services).flatMap(apiObjectsOf))
    await comeToRest(new ProcessTree(running.pids), SETTLE_MS)
    const before = (await api.seen()).lists
    const { ip, port } = running.addressOf(WEB)!
    const listing = expireInTurn(api, stage.seconds * 1000)
    const { result, values } = await withCpu(
      running,
      () => stage.site.client.requests(ip, port, PER_SECOND, stage.seconds, CONNECTIONS),
      ({ answered }) => ({ work: answered, seconds: stage.seconds }),
    )
    await listing
    const lists = (await api.seen()).lists - before
    await stage.stop()
    const { answered, sent, p50, p99 } = result
    const errors = answered < sent ? [`${sent - answered} of ${sent} requests had no answer`] : []
    if (lists < 2) errors.push(`only ${lists} lists were asked for meanwhile`)
    return { values: { ...values, p50, p99, lists }, errors }
  },
}

async function expireInTurn(api: BenchApi, durationMs: number): Promise<void> {
  const end = Date.now() + durationMs
  while (Date.now() < end) {
    await api.expire()
    await new Promise(resolve => setTimeout(resolve, PERIOD_MS))
  }
}

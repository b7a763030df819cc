import { ApiNode } from '../support/faults/api-node.js'
import { formatCount } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const testFault = faultsOf('Changes of endpoints')
const CHANGES = 8000
const PERIOD_MS = 1 * TIMEOUT_FACTOR

testFault(
  {
    fault: 'The endpoints of a Service change 8,000 times, 1,000 times a second, and some of them refuse',
    promise: 'Each new connection reaches a Pod that lives, and no open connection is cut.',
    skip: namespacesUnavailable,
  },
  async (t, fault) => {
    const cluster = await ApiNode.start(t)
    const { api, node, proxy } = cluster
    const [a, b] = node.ips as [string, string]
    const { ip: refusing } = await node.network.addPod()
    const slices = [[a], [a, b], [a, b, refusing], [refusing, b]].map(ips => node.slices(ips)[0])
    const traffic = await node.startTraffic()
    fault.start()
    const startedAt = performance.now()
    const { churned } = JSON.parse(await api.sendCommand({ churn: { ms: PERIOD_MS, slices, count: CHANGES } })) as {
      churned: number
    }
    const perSecond = Math.round((1000 * churned) / (performance.now() - startedAt))
    t.equal(churned, CHANGES)
    fault.describe(`${formatCount(churned)} changes, ${formatCount(perSecond)} a second`)
    await cluster.moveEndpoints()
    fault.end()
    // The watch keeps their order, so the proxy has had all of them then.
    await fault.measureRecovery('the last change takes effect', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

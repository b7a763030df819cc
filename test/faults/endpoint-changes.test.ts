import { setTimeout as delay } from 'node:timers/promises'
import { ApiNode } from '../support/faults/api-node.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const testFault = faultsOf('Changes of endpoints')
const CHURN_MS = 8000

testFault(
  {
    fault: 'The endpoints of a Service change 1,000 times a second for 8 s, and some of them refuse',
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
    const perSecond = 1000 / TIMEOUT_FACTOR
    await api.sendCommand({ churn: { ms: 1000 / perSecond, slices } })
    await delay(CHURN_MS)
    const { churned } = JSON.parse(await api.sendCommand({})) as { churned: number }
    t.ok(churned > 0, `${churned} changes`)
    await cluster.moveEndpoints()
    fault.end()
    await fault.measureRecovery('the last change takes effect', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

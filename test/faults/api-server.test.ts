import { setTimeout as delay } from 'node:timers/promises'
import { ApiNode } from '../support/faults/api-node.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const testFault = faultsOf('API server')
const skip = namespacesUnavailable
const CHANGE_TAKES_EFFECT = 'a change takes effect that was made meanwhile'

testFault(
  {
    fault: 'The API server resets all connections and is away for 15 s',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  async (t, fault) => {
    const cluster = await ApiNode.start(t)
    const traffic = await cluster.node.startTraffic()
    fault.start()
    await cluster.api.sendCommand({ listen: false })
    await cluster.moveEndpoints()
    await delay(15_000)
    await cluster.api.sendCommand({ listen: true })
    fault.end()
    await fault.measureRecovery(CHANGE_TAKES_EFFECT, () => cluster.waitForPodB())
    await fault.checkTraffic(traffic)
    t.equal(await cluster.proxy.stop(), 0)
  },
)

import { setTimeout as delay } from 'node:timers/promises'
import { ApiNode } from '../support/faults/api-node.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const testFault = faultsOf('API server')

testFault(
  {
    fault: 'It accepts everything and answers nothing for 3 s; open watches stay open and silent',
    promise: 'All Services are served from the last known state. Silent watches are replaced within 45 s.',
    skip: namespacesUnavailable,
  },
  async (t, fault) => {
    const cluster = await ApiNode.start(t, { isBehindRelay: true })
    const { api, node, proxy } = cluster
    const traffic = await node.startTraffic()
    fault.start()
    await api.sendCommand({ relay: 'silent' })
    await cluster.moveEndpoints()
    await delay(3000)
    t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), 'a', 'the proxy cannot know of the change')
    await api.sendCommand({ relay: 'forwarding' })
    fault.end()
    await fault.measureRecovery('a change takes effect that was made meanwhile', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ApiNode } from '../support/faults/api-node.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const testFault = faultsOf('API server')

async function measure(t: Test, fault: FaultMeasurement, mode: string): Promise<void> {
  const cluster = await ApiNode.start(t, { isBehindRelay: true, mode })
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
}

// They wait most of the time.
t.jobs = 2

testFault(
  {
    fault: 'It accepts everything and answers nothing for 3 s; open watches stay open and silent (userspace mode)',
    promise: 'All Services are served from the last known state. Silent watches are replaced within 45 s.',
    skip: namespacesUnavailable,
  },
  (t, fault) => measure(t, fault, 'userspace'),
)

testFault(
  {
    fault: 'It accepts everything and answers nothing for 3 s; open watches stay open and silent (iptables mode)',
    promise: 'All Services are served from the last known state. Silent watches are replaced within 45 s.',
    skip: namespacesUnavailable,
  },
  (t, fault) => measure(t, fault, 'iptables'),
)

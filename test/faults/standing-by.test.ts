import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { DURING_CHANGE } from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { SERVING_AGAIN, STANDING_BY } from '../support/processes/hand-over-lines.js'
import { stateOf } from '../support/processes/children-of.js'

const testFault = faultsOf('Other proxies on the node')
const skip = namespacesUnavailable
const STOP_MS = 3000

/** Two proxies: the second one serves, and the first one stands by and waits for its turn. */
async function start(t: Test) {
  const node = await ServiceNode.create(t, ['--proxy-mode=userspace', '--data-plane-workers=1'])
  const first = await node.start()
  const second = await node.start()
  await first.waitForLine(STANDING_BY)
  return { node, first, second, traffic: await node.startTraffic() }
}

testFault(
  {
    fault: 'Of two copies of the proxy, the one that stands by is killed',
    promise: 'The other one serves; nothing is lost.',
    skip,
  },
  async (t, fault) => {
    const { node, first, second, traffic } = await start(t)
    fault.start()
    await node.kill(first)
    await delay(STOP_MS)
    await fault.measureRecovery('a new client is served', () => node.waitForPod('a'))
    await fault.checkTraffic(traffic)
    t.equal(await second.stop(), 0)
  },
)

testFault(
  {
    fault: 'Of two copies of the proxy, the one that serves is killed',
    promise:
      'Its worker serves until the one that stands by has taken over. No TCP connection is lost, neither new nor open.',
    skip,
  },
  async (t, fault) => {
    const { node, first, second, traffic } = await start(t)
    const from = first.lines.length
    fault.start()
    await node.kill(second)
    await fault.measureRecovery('the other one has written its rules', async () => {
      await first.waitForLine(SERVING_AGAIN, from)
      await first.waitForLine(node.synced, from)
    })
    await node.waitForPod('a')
    await fault.checkTraffic(traffic, DURING_CHANGE)
    t.equal(await first.stop(), 0)
  },
)

testFault(
  {
    fault:
      'Of two copies of the proxy, the one that stands by is stopped, and the other one gets SIGTERM; after 3 s the first one continues',
    promise:
      'The second one serves until the first one has taken over, for its drain timeout at the most. No TCP connection is lost, neither new nor open.',
    skip,
  },
  async (t, fault) => {
    const { node, first, second, traffic } = await start(t)
    const from = first.lines.length
    fault.start()
    process.kill(first.child.pid!, 'SIGSTOP')
    await waitUntil(() => stateOf(first.child.pid!) === 'T', 'it has stopped')
    const exited = once(second.child, 'exit')
    second.child.kill('SIGTERM')
    await second.waitForLine(/"Nothing else serves/)
    await delay(STOP_MS)
    process.kill(first.child.pid!, 'SIGCONT')
    fault.end()
    await fault.measureRecovery('the first one has written its rules', () => first.waitForLine(node.synced, from))
    await node.waitForPod('a')
    await fault.checkTraffic(traffic, DURING_CHANGE)
    await exited
    t.equal(await first.stop(), 0)
  },
)

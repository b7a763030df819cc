import { once } from 'node:events'
import t, { type Test } from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { FixedPortTcpClient } from '../support/pods/fixed-port-tcp-client.js'
import { workersOf } from '../support/processes/children-of.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

/*
 * A connection that was reset keeps its entry in the kernel's table for ten seconds. A client that connects again from the same port
 * would be led to the port of the listener that has closed.
 */

const FLAGS = ['--on-exit=auto', '--drain-timeout=1s']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes the kernel carries the connections')

/** A node with a proxy, and a client with an open connection through it. */
async function start(t: Test) {
  const node = await ServiceNode.create(t, FLAGS)
  const proxy = await node.start()
  const client = new FixedPortTcpClient(node.network, node.web.clusterIP, node.web.port, 20_000)
  t.equal(await client.connect(), 'echo')
  return { node, proxy, client }
}

/** The connection was cut, and another one from the same port is served. */
async function checkReconnect(t: Test, client: FixedPortTcpClient): Promise<void> {
  t.equal(await client.readLine(), 'ECONNRESET')
  t.equal(await client.readLine(), 'closed')
  t.equal(await client.connect(), 'echo')
}

t.test('a client that was cut at the end of a proxy reaches the kernel from the same port', { skip }, async t => {
  const { proxy, client } = await start(t)
  t.equal(await proxy.stop(), 0)
  await checkReconnect(t, client)
})

t.test('a client that was cut by a second signal reaches the kernel from the same port', { skip }, async t => {
  const { proxy, client } = await start(t)
  const stopped = proxy.stop()
  await proxy.waitForLine(/"Draining/)
  proxy.child.kill('SIGTERM')
  t.equal(await stopped, 0)
  await checkReconnect(t, client)
})

t.test('a client that was cut after an update reaches the new proxy from the same port', { skip }, async t => {
  const { node, proxy, client } = await start(t)
  const second = await node.start()
  t.equal(await proxy.stop(), 0)
  await checkReconnect(t, client)
  second.child.kill('SIGKILL')
})

t.test('a client that was cut by an orphan reaches the new proxy from the same port', { skip }, async t => {
  const { node, proxy, client } = await start(t)
  // Its workers have its standard error, too.
  const workersGone = once(proxy.child, 'close')
  await node.kill(proxy)
  const second = await node.start()
  await workersGone
  // The orphan had no right to do it.
  await second.waitForLine(/"Deleted the entries of reset connections" family="ipv4"/)
  await checkReconnect(t, client)
  second.child.kill('SIGKILL')
})

t.test(
  'a client that was cut because an orphan was killed reaches the new proxy from the same port',
  { skip },
  async t => {
    const { node, proxy, client } = await start(t)
    // Its workers hang, so that they neither release NodePorts nor drain: the next proxy kills them.
    for (const worker of workersOf(proxy.child.pid!)) process.kill(worker, 'SIGSTOP')
    await node.kill(proxy)
    // What a process has not read is lost when it is killed, so the kernel resets the connection.
    client.send('not read')
    const second = await node.start()
    t.ok(second.lines.some(line => line.includes('Killing a data-plane worker of an earlier process')))
    await second.waitForLine(/"Deleted the entries of reset connections" family="ipv4"/)
    await checkReconnect(t, client)
    second.child.kill('SIGKILL')
  },
)

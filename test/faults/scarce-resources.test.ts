import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'

// test/integration has more tests of them: descriptors, tcp-source-ports, udp-source-ports.
const testFault = faultsOf('Scarce resources')
const skip = namespacesUnavailable

const GREEDY = { clusterIP: '10.96.0.30', port: 80 }
const FILE_LIMIT = 1024
const IDLE_CLIENTS = 1200
const FAULT_MS = 5000
const FEW_PORTS = 'net.ipv4.ip_local_port_range=40000 40199'
const PORTS = 200
/** Ports of the range that the proxy listens on, and some that its probes use. */
const OTHER_PORTS = 40
/** The traffic needs more than the 200 source ports in this time, if none is used again. */
const PORTS_MS = 12_000
/** A Service of one Pod, and one that has another Pod too. */
const HELD = { clusterIP: '10.96.0.31', port: 80 }
const SHARED = { clusterIP: '10.96.0.32', port: 80 }
const HOLDERS = 260
const SHARED_CLIENTS = 40

/** Opens idle connections, and prints a line when the proxy has taken none of the last ones. */
const IDLE_PROGRAM = `
let refused = 0
for (let n = 0; n < ${IDLE_CLIENTS}; n++)
  require('net').connect({ port: ${GREEDY.port}, host: '${GREEDY.clusterIP}', allowHalfOpen: true })
    .on('error', () => undefined)
    .on('close', () => ++refused === ${IDLE_CLIENTS - FILE_LIMIT / 2} && console.log('full'))`

testFault(
  {
    fault: '1,200 idle connections to another Service, where each process may open 1,024 files',
    promise: 'All other Services are served. The idle connections beyond a share are refused.',
    skip,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, [])
    const { network, manifests } = node
    node.write(node.ips, makeServiceManifest('greedy', GREEDY), makeSliceManifest('greedy', node.ips, 8080))
    const { namespace } = await network.addPod()
    const { log } = startWithFewFiles(network, manifests, FILE_LIMIT, '--on-exit=keep', '--data-plane-workers=1')
    await log.waitFor(node.synced)
    const traffic = await node.startTraffic()
    fault.start()
    await once(network.start(namespace, process.execPath, ['-e', IDLE_PROGRAM]).stdout!, 'data')
    await delay(FAULT_MS)
    await fault.checkTraffic(traffic)
    await log.waitFor(/File descriptors are short/)
  },
)

testFault(
  {
    fault: 'The node has 200 source ports, for TCP and for UDP',
    promise: 'All Services are served: ports of connections that have ended, and of idle UDP flows, are used again.',
    skip,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, ['--proxy-mode=userspace'])
    await node.network.node.run('sysctl', ['-qw', FEW_PORTS])
    const proxy = await node.start()
    const traffic = await node.startTraffic()
    fault.start()
    await delay(PORTS_MS)
    const { newConnections, udpRequests } = await fault.checkTraffic(traffic)
    t.ok(newConnections.attempted > 400 && udpRequests.attempted > 200, 'they needed more')
    t.equal(await proxy.stop(), 0)
  },
)

/**
 * Opens connections that stay open. Prints how many have got an answer when all have got one or have ended, and again how many are still
 * open when a line comes; then it ends.
 */
const HOLD_PROGRAM = `
let [held, waiting] = [0, ${HOLDERS}]
const settle = () => --waiting === 0 && console.log(held)
for (let n = 0; n < ${HOLDERS}; n++) {
  let isHeld = false
  require('net').connect({ port: ${HELD.port}, host: '${HELD.clusterIP}' })
    .on('connect', function () { this.write('echo\\n') })
    .on('data', () => { isHeld = true; held++; settle() })
    .on('error', () => undefined)
    .on('close', () => isHeld ? held-- : settle())
}
process.stdin.once('data', () => { console.log(held); process.exit() })`

testFault(
  {
    fault: 'Open connections to one Pod hold all of the 200 source ports',
    promise:
      'Other Pods and Services are served, and the open connections continue. New clients of that Pod alone are refused until ports are free; it is not taken for failed.',
    skip,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, ['--proxy-mode=userspace'])
    const { network, client } = node
    await network.node.run('sysctl', ['-qw', FEW_PORTS])
    const pod = await network.addServer('c')
    node.write(
      node.ips,
      makeServiceManifest('held', HELD),
      makeSliceManifest('held', [pod.ip], 8080),
      makeServiceManifest('shared', SHARED),
      makeSliceManifest('shared', [pod.ip, node.ips[0]!], 8080),
    )
    const proxy = await node.start()
    const { namespace } = await network.addPod()
    fault.start()
    const holder = network.start(namespace, process.execPath, ['-e', HOLD_PROGRAM])
    const counts = createInterface({ input: holder.stdout! })[Symbol.asyncIterator]()
    const held = Number((await counts.next()).value)
    t.ok(held <= PORTS && held > PORTS - OTHER_PORTS, `${held} connections hold the ports`)
    const traffic = await node.startTraffic()
    const answers: string[] = []
    for (let n = 0; n < SHARED_CLIENTS; n++) answers.push(await client.tcp(SHARED.clusterIP, SHARED.port))
    await delay(FAULT_MS)
    const lost = answers.filter(answer => answer !== 'a').length
    fault.checkLoss(lost, answers.length, 'clients of a Service with another Pod')
    holder.stdin!.write('\n')
    fault.checkLoss(held - Number((await counts.next()).value), held, 'connections that hold the ports')
    fault.end()
    await fault.measureRecovery('a new client of that Pod is served', () =>
      waitUntil(async () => (await client.tcp(HELD.clusterIP, HELD.port)) === 'c', 'the Pod gets a new client'),
    )
    await fault.checkTraffic(traffic)
    t.ok(
      proxy.lines.every(line => !line.includes('Endpoint did not take a connection')),
      'the Pod is not blamed',
    )
    t.equal(await proxy.stop(), 0)
  },
)

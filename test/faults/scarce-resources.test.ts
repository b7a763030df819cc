import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
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
/** The traffic needs more than the 200 source ports in this time, if none is used again. */
const PORTS_MS = 12_000

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
    await node.network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40199'])
    const proxy = await node.start()
    const traffic = await node.startTraffic()
    fault.start()
    await delay(PORTS_MS)
    const { newConnections, udpRequests } = await fault.checkTraffic(traffic)
    t.ok(newConnections.attempted > 400 && udpRequests.attempted > 200, 'they needed more')
    t.equal(await proxy.stop(), 0)
  },
)

import { setTimeout as delay } from 'node:timers/promises'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'

// test/integration has more tests of them: descriptors, tcp-source-ports, udp-source-ports.
const testFault = faultsOf('Scarce resources')
const skip = namespacesUnavailable

/** The traffic needs more than the 200 source ports in this time, if none is used again. */
const PORTS_MS = 12_000

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

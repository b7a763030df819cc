import { setTimeout as delay } from 'node:timers/promises'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ApiNode, NODE_NAME } from '../support/faults/api-node.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { STANDING_BY } from '../support/processes/hand-over-lines.js'
import {
  originalFlags,
  originalProgram,
  originalUnavailable,
  writeKubeconfig,
} from '../support/processes/original-kube-proxy.js'

const testFault = faultsOf('Other proxies on the node')

/** How long both proxies run, in milliseconds. */
const BOTH_MS = 5000
const ORIGINAL_TIMEOUT_MS = 60_000
/** The original deletes UDP flows from the kernel when it starts. An answer that is on its way then is lost. */
const UDP_LOSSES = 5

testFault(
  {
    fault: 'A second copy of the proxy starts and serves, and the first one stands by',
    promise: 'All Services are served. Open connections continue.',
    skip: namespacesUnavailable,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, ['--proxy-mode=userspace', '--on-exit=auto'])
    const first = await node.start()
    const traffic = await node.startTraffic()
    fault.start()
    const second = await node.start()
    await first.waitForLine(STANDING_BY)
    await delay(BOTH_MS)
    await fault.checkTraffic(traffic)
    t.equal(await first.stop(), 0)
    t.equal(await second.stop(), 0)
  },
)

testFault(
  {
    fault: 'The original kube-proxy 1.20.2 in iptables mode starts beside the proxy in userspace mode, and ends',
    promise: 'All Services are served. Open connections continue. A UDP request may be lost when it starts.',
    skip: namespacesUnavailable || originalUnavailable,
  },
  async (t, fault) => {
    let url = ''
    const { node, api, proxy } = await ApiNode.start(t, {
      sourceFlags: serverUrl => ['--master', (url = serverUrl), '--proxy-mode=userspace'],
    })
    await api.sendCommand({ serves: { 'discovery.k8s.io/v1beta1': true } })
    const flags = originalFlags('iptables', writeKubeconfig(t.testdir(), url), NODE_NAME)
    const traffic = await node.startTraffic()
    fault.start()
    const original = node.network.start(node.network.node, originalProgram()!, [...flags, '-v=4'])
    await new ProgramLog(original, original.stderr!, ORIGINAL_TIMEOUT_MS).waitFor(/syncProxyRules took/)
    await delay(BOTH_MS)
    const { client, web } = node
    t.equal(await client.tcp(web.clusterIP, web.port), 'a')
    original.kill('SIGTERM')
    await delay(BOTH_MS)
    await fault.checkTraffic(traffic, { udpRequests: UDP_LOSSES })
    t.match((await node.rules()).join('\n'), /-j KUBE-SERVICES/, 'it wrote its rules')
    t.equal(await proxy.stop(), 0)
  },
)

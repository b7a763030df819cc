import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { SteadyTraffic } from '../support/faults/steady-traffic.js'
import { addCounts } from '../support/faults/traffic-counts.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { workersOf } from '../support/processes/children-of.js'

const testFault = faultsOf('Pods that misbehave')
const skip = namespacesUnavailable

const FAULT_MS = 5000
const OTHER = { clusterIP: '10.96.0.30', port: 80 }
const CLIENTS = 20
/** Endpoints that refuse, and new clients per second that they get. */
const REFUSING = 3000
const REFUSED_RATE = 130
/** How many of these clients wait at a time, at most. On an idle machine one or two do. */
const REFUSED_AT_ONCE = 20
/** The most endpoints that the proxy tries for one client. */
const MOST_ATTEMPTS = 16
/** How much more memory the processes of the proxy may take for these clients, in bytes. */
const MEMORY = 100_000_000

const RESETS = 9001
const NEVER_READS = 9002
const SENDS_WITHOUT_END = 9003

/** A Pod with one port for each kind of misbehaviour. */
const POD = `
const { createServer } = require('net')
const serve = (port, handle) =>
  createServer({ pauseOnConnect: true }, socket => handle(socket.on('error', () => undefined))).listen(port)
serve(${RESETS}, socket => socket.resetAndDestroy())
serve(${NEVER_READS}, () => undefined)
serve(${SENDS_WITHOUT_END}, socket => {
  const chunk = Buffer.alloc(65536)
  const fill = () => { while (socket.write(chunk)); }
  socket.on('drain', fill)
  fill()
}).on('listening', () => console.log('ready'))
`

/** What clients of such a Pod do; each connects again 50 ms after the end of its connection. */
const CLIENT_KINDS = {
  send: 'const chunk = Buffer.alloc(65536); const fill = () => { while (socket.write(chunk)); }; socket.on("drain", fill).on("connect", fill)',
  read: 'socket.resume()',
  'never read': 'socket.pause()',
} as const

function clientProgram(kind: keyof typeof CLIENT_KINDS): string {
  return `
const open = () => {
  const socket = require('net').connect(${OTHER.port}, '${OTHER.clusterIP}')
  socket.on('error', () => undefined).on('close', () => setTimeout(open, 50))
  ${CLIENT_KINDS[kind]}
}
for (let n = 0; n < ${CLIENTS}; n++) open()`
}

/** The memory of a proxy and its workers, in bytes. */
function memoryOf({ pid }: ChildProcess): number {
  const pids = [pid!, ...workersOf(pid!)]
  return pids.reduce((sum, each) => {
    const [, pages] = readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')
    return sum + Number(pages) * 4096
  }, 0)
}

/** One of three Pods of the Service does not take connections. */
async function measureUnreachablePod(
  t: Test,
  fault: FaultMeasurement,
  makeUnreachable: (node: ServiceNode, pod: Awaited<ReturnType<ServiceNode['network']['addPod']>>) => Promise<unknown>,
): Promise<void> {
  const node = await ServiceNode.create(t, ['--proxy-mode=userspace'])
  const pod = await node.network.addPod()
  await makeUnreachable(node, pod)
  const proxy = await node.start()
  const traffic = await node.startTraffic()
  fault.start()
  const [, dns] = node.slices(node.ips)
  node.manifests.write(...node.services, makeSliceManifest('web', [...node.ips, pod.ip], 8080), dns!)
  await fault.measureRecovery('the proxy gives it no new clients', () =>
    proxy.waitForLine(new RegExp(`Endpoint did not take a connection.*${pod.ip}`)),
  )
  await delay(FAULT_MS)
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

/** Clients of another Service meet a Pod that misbehaves. */
async function measureOtherService(
  t: Test,
  fault: FaultMeasurement,
  podPort: number,
  kind: keyof typeof CLIENT_KINDS,
): Promise<void> {
  const node = await ServiceNode.create(t, ['--proxy-mode=userspace'])
  const { network } = node
  const [pod, { namespace: clients }] = [await network.addPod(), await network.addPod()]
  const server = network.start(pod.namespace, process.execPath, ['-e', POD])
  await once(server.stdout!, 'data')
  node.write(node.ips, makeServiceManifest('other', OTHER), makeSliceManifest('other', [pod.ip], podPort))
  const proxy = await node.start()
  const traffic = await node.startTraffic()
  const before = memoryOf(proxy.child)
  fault.start()
  const load = network.start(clients, process.execPath, ['-e', clientProgram(kind)])
  let most = 0
  for (let ms = 0; ms < FAULT_MS; ms += 250) {
    await delay(250)
    most = Math.max(most, memoryOf(proxy.child) - before)
  }
  await fault.checkTraffic(traffic)
  t.match(proxy.lines.join('\n'), new RegExp(`Connected a client.*${pod.ip}:${podPort}`))
  t.ok(most <= MEMORY, `${Math.round(most / 1e6)} MB more memory, ${MEMORY / 1e6} MB may be`)
  // Their connections would delay the end of the proxy.
  for (const child of [load, server]) child.kill('SIGKILL')
  t.equal(await proxy.stop(), 0)
}

testFault(
  {
    fault: 'One of three Pods of a Service drops all packets',
    promise: 'Its clients are connected to the other Pods. Open connections continue.',
    skip,
  },
  (t, fault) =>
    measureUnreachablePod(t, fault, (_, { namespace }) => namespace.run('iptables', ['-A', 'INPUT', '-j', 'DROP'])),
)

testFault(
  {
    fault: 'One of three Pods of a Service refuses connections',
    promise: 'Its clients are connected to the other Pods. Open connections continue.',
    skip,
  },
  (t, fault) => measureUnreachablePod(t, fault, () => Promise.resolve()),
)

testFault(
  { fault: 'The Pod of another Service resets each connection', promise: 'All other Services are served.', skip },
  (t, fault) => measureOtherService(t, fault, RESETS, 'read'),
)

testFault(
  {
    fault: 'The Pod of another Service never reads what 20 clients send',
    promise: 'All other Services are served. The proxy keeps a bounded part in memory.',
    skip,
  },
  (t, fault) => measureOtherService(t, fault, NEVER_READS, 'send'),
)

testFault(
  {
    fault: 'The Pod of another Service sends without end to 20 clients that never read',
    promise: 'All other Services are served. The proxy keeps a bounded part in memory.',
    skip,
  },
  (t, fault) => measureOtherService(t, fault, SENDS_WITHOUT_END, 'never read'),
)

testFault(
  {
    fault: 'The Pod of another Service sends without end to 20 clients that read',
    promise: 'All other Services are served. The proxy keeps a bounded part in memory.',
    skip,
  },
  (t, fault) => measureOtherService(t, fault, SENDS_WITHOUT_END, 'read'),
)

testFault(
  {
    fault: 'Another Service has 3,000 endpoints that all refuse, and gets 130 new clients a second',
    promise: 'All other Services are served.',
    skip,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, ['--proxy-mode=userspace'])
    const { network } = node
    const [pod, { namespace: clients }] = [await network.addPod(), await network.addPod()]
    // One Pod has all addresses, and no program listens there.
    await pod.namespace.configure('route add local 10.250.0.0/20 dev lo')
    await network.node.configure(`route add 10.250.0.0/20 via ${pod.ip}`)
    await pod.namespace.run('iptables', ['-A', 'INPUT', '-p', 'tcp', '--syn', '--dport', '8080'])
    const ips = Array.from({ length: REFUSING }, (_, n) => `10.250.${n >> 8}.${n & 255}`)
    node.write(node.ips, makeServiceManifest('other', OTHER), makeSliceManifest('other', ips, 8080))
    const proxy = await node.start()
    const before = await node.startTraffic()
    await delay(FAULT_MS)
    const without = addCounts((await Promise.all(before.map(each => each.stop()))).map(each => each.newConnections))
    const traffic = await node.startTraffic()
    const rate = REFUSED_RATE / TIMEOUT_FACTOR
    const target = { ip: OTHER.clusterIP, port: OTHER.port, rate, mostAtOnce: REFUSED_AT_ONCE }
    fault.start()
    const refused = await SteadyTraffic.start(network, clients, { newConnections: target })
    await delay(2 * FAULT_MS)
    const { newConnections } = await fault.checkTraffic(traffic)
    const counts = (await refused.stop()).newConnections
    t.ok(counts.attempted > 0)
    t.strictSame(counts.lost, { ECONNRESET: counts.attempted }, 'each of its clients is refused')
    const { stdout } = await pod.namespace.run('iptables', ['-nvxL', 'INPUT'])
    const attempts = Number(/^\s*(\d+) .* dpt:8080/m.exec(stdout)?.[1])
    t.ok(
      attempts > counts.attempted && attempts <= MOST_ATTEMPTS * counts.attempted,
      `${attempts} attempts for ${counts.attempted} clients`,
    )
    fault.compareAnswers(newConnections, without)
    t.equal(await proxy.stop(), 0)
  },
)

import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type ObservedServer } from '../../lib/system/ipvs-text.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { type AllowedLosses, FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { IpvsNode } from '../support/faults/ipvs-node.js'
import { type IpvsProgramFault, MISSING, failing, hanging } from '../support/faults/ipvs-program-fault.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { type ServiceNode } from '../support/nodes/service-node.js'
import { REMOVE_RULES } from '../support/nodes/remove-rules.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { FixedPortUdpClient } from '../support/pods/fixed-port-udp-client.js'

const testFault = faultsOf('ipvs mode, in a virtual machine')
const skip = ipvsUnavailable

const API_AWAY_MS = 3000
/** How long the traffic continues after the recovery, in milliseconds: it has to show that nothing more is lost. */
const AFTERMATH_MS = 1000
/** How long a dead Pod stays an endpoint, in milliseconds. */
const DEAD_MS = 2000
/** How long a UDP client waits before it sends again, in milliseconds. */
const RESEND_MS = 1000
/** Open connections of the steady traffic. */
const OPEN = 20
/** The last number of the first address of Services that are created during faults. */
const FIRST_CREATED = 100
/** What the proxy logs when it has repaired what another program has changed, or when the first attempt was refused. */
const NOTICED = /("Another program had changed the rules; repaired them"|"Cannot write the rules.*) family="IPv4"/

let created = 0
let started: Promise<IpvsNode> | undefined
/** All rows use one node, one after the other: its start takes long in a virtual machine. */
function startNode(): Promise<IpvsNode> {
  return (started ??= IpvsNode.start(t))
}

testFault(
  {
    fault: 'The API server resets all connections and is away for 3 s',
    promise: 'The kernel serves the last known state; nothing is lost. A change that was made meanwhile takes effect.',
    skip,
  },
  async (t, fault) => {
    const { cluster } = await startNode()
    const { node, api } = cluster
    const traffic = await node.startTraffic()
    fault.start()
    await api.sendCommand({ listen: false })
    await cluster.moveEndpoints()
    await delay(API_AWAY_MS)
    t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), 'a', 'the proxy cannot know of the change')
    await api.sendCommand({ listen: true })
    fault.end()
    await fault.measureRecovery('a change takes effect that was made meanwhile', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
  },
)

testFault(
  {
    fault: 'The process is killed, and another one starts',
    promise:
      'The kernel serves; nothing is lost. The next process takes over all virtual servers and removes none; a change that was made meanwhile takes effect.',
    skip,
  },
  async (t, fault) => {
    const ipvsNode = await startNode()
    const { cluster } = ipvsNode
    const { node } = cluster
    const traffic = await node.startTraffic()
    fault.start()
    await node.kill(cluster.proxy)
    await ipvsNode.moveWeb(node.ips[0]!)
    const before = await ipvsNode.connectionCounts()
    await cluster.startNextProxy()
    await fault.measureRecovery('a change takes effect that was made meanwhile', () => node.waitForPod('a'))
    const after = await ipvsNode.connectionCounts()
    t.ok([...before.values()].some(count => count > OPEN))
    for (const [server, count] of before) t.ok(after.get(server)! >= count, `${server} has not been removed`)
    await fault.checkTraffic(traffic)
  },
)

const DESTROY_ALL = `${REMOVE_RULES} && ipset destroy && ipvsadm -C`

const DAMAGES = [
  {
    fault: 'Another program deletes a virtual server, then all of them (ipvsadm -D, -C)',
    promise:
      'They are back at the next check of the kernel: every --ipvs-sync-period, which is 3 s here. Until then, clients are refused, and their open connections may be cut.',
    scripts: ['ipvsadm -D -t 10.96.0.10:80', 'ipvsadm -C'],
    allowed: { newConnections: 'before recovery', udpRequests: 'before recovery', openConnections: OPEN },
  },
  {
    fault: 'Another program deletes an address of kube-ipvs0',
    promise: 'It is back at the next check of the kernel. Until then, its new clients fail.',
    scripts: ['ip address del 10.96.0.10/32 dev kube-ipvs0'],
    allowed: { newConnections: 'before recovery' },
  },
  {
    fault: 'Another program flushes all sets (ipset flush)',
    promise:
      'IPVS serves these clients without them; nothing is lost. They are filled again at the next check of the kernel.',
    scripts: ['ipset flush'],
    allowed: {},
  },
  {
    fault: 'Another program flushes all chains of the proxy',
    promise: 'IPVS serves these clients without them; nothing is lost. The rules return at once.',
    scripts: ['for table in nat filter mangle; do iptables -t $table -F; done'],
    allowed: {},
  },
  {
    fault: 'Another program destroys all chains, sets and virtual servers',
    promise:
      'All of them are back at the next check of the kernel at the latest, which is after 3 s here. Until then, clients are refused or wait, UDP requests are lost, and open connections may be cut.',
    scripts: [DESTROY_ALL],
    allowed: { newConnections: 'before recovery', udpRequests: 'before recovery', openConnections: OPEN },
  },
] as const

for (const { scripts, allowed, ...row } of DAMAGES)
  testFault({ ...row, skip }, (t, fault) => measureDamage(t, fault, scripts, allowed))

async function measureDamage(
  t: Test,
  fault: FaultMeasurement,
  scripts: readonly string[],
  allowed: AllowedLosses,
): Promise<void> {
  const ipvsNode = await startNode()
  const { node, proxy } = ipvsNode.cluster
  const intact = await ipvsNode.kernelState()
  t.match(intact.join('\n'), /-A -t 10\.96\.0\.10:80 /)
  const isIntact = async () => JSON.stringify(await ipvsNode.kernelState()) === JSON.stringify(intact)
  const traffic = await node.startTraffic()
  for (const script of scripts) {
    const from = proxy.lines.length
    fault.start()
    await (script === DESTROY_ALL ? ipvsNode.runUnrepaired(script) : ipvsNode.run(script))
    fault.end()
    await fault.measureRecovery(scripts.length === 1 ? 'all is back' : `all is back after "${script}"`, async () => {
      await proxy.waitForLine(NOTICED, from)
      await waitUntil(isIntact, 'the kernel has what it had')
    })
  }
  await delay(AFTERMATH_MS)
  await fault.checkTraffic(traffic, allowed)
}

testFault(
  {
    fault: 'ipset, then ipvsadm fails with exit code 1',
    promise: 'What was served is served, as it was. Changes take effect after the fault.',
    skip,
  },
  (t, fault) =>
    measurePrograms(t, fault, [
      failing('ipset', 'restore', 'ipset v7.17: Kernel error received: Cannot allocate memory', /IPSET_FAILED/),
      failing('ipvsadm', '--restore', 'Memory allocation problem', /Cannot write one virtual server/),
    ]),
)

testFault(
  {
    fault: 'ipset, then ipvsadm hangs for 2 s',
    promise: 'What was served is served, as it was. Changes take effect after the fault.',
    skip,
  },
  (t, fault) => measurePrograms(t, fault, ['ipset', 'ipvsadm'].map(hanging)),
)

testFault(
  {
    fault: 'ipset and ipvsadm are missing, as while their packages are upgraded',
    promise: 'What was served is served, as it was. Changes take effect after the fault.',
    skip,
  },
  (t, fault) => measurePrograms(t, fault, [MISSING]),
)

/** During each fault a Service is created, and the endpoints of another one change. */
async function measurePrograms(t: Test, fault: FaultMeasurement, faults: readonly IpvsProgramFault[]): Promise<void> {
  const ipvsNode = await startNode()
  const { node, proxy } = ipvsNode.cluster
  const { client, web } = node
  const folder = t.testdir({})
  const traffic = await node.startTraffic()
  fault.start()
  const forms: FaultMeasurement[] = []
  for (const { begin, takesEffect, end } of faults) {
    const form = new FaultMeasurement(t)
    forms.push(form)
    const before = await ipvsNode.servers()
    const pod = (await client.tcp(web.clusterIP, web.port)) === 'a' ? 'b' : 'a'
    const from = proxy.lines.length
    const ip = `10.96.0.${FIRST_CREATED + created++}`
    form.start()
    begin(ipvsNode, folder)
    // First the change that needs each of the programs: while one hangs, the other change waits behind it.
    await ipvsNode.createService(`created-${created}`, ip)
    await ipvsNode.moveWeb(node.ips['ab'.indexOf(pod)]!)
    await takesEffect(ipvsNode, from, folder)
    t.same((await ipvsNode.servers()).map(asText), before.map(asText), 'no change is made in part')
    end(ipvsNode, folder)
    form.end()
    await form.measureRecovery('changes take effect that were made meanwhile', async () => {
      await node.waitForPod(pod)
      await waitUntil(async () => /^[ab]$/.test(await client.tcp(ip, web.port)), 'the new Service is served')
    })
  }
  fault.combine(forms)
  await fault.checkTraffic(traffic)
}

/** Without what clients change: the numbers of connections, and endpoints that only open connections use. */
function asText({ realServers, ...server }: ObservedServer): string {
  const inUse = realServers.filter(({ weight }) => weight > 0)
  return JSON.stringify([server, inUse.map(({ address, port, weight }) => [address, port, weight])])
}

testFault(
  {
    fault: 'A Pod is killed, and is an endpoint for 2 s more',
    promise:
      'Connections to the other Pod continue. As soon as the endpoint is removed, that Pod gets all new connections, and the UDP flows of the dead one. Until then, the kernel sends clients to both.',
    skip,
  },
  async (t, fault) => {
    const ipvsNode = await startNode()
    const { node } = ipvsNode.cluster
    const [dying, living] = node.servers as [PodServer, PodServer]
    await ipvsNode.moveAll(dying.ip, living.ip)
    await waitUntil(async () => (await ipvsNode.podsInUse()).length === 2, 'both Pods serve')
    const flow = await openFlow(node, 'a')
    // Of connections that another fault has cut, the Pod may not know.
    const before = await countConnections(dying)
    const connections = await node.startOpenConnections()
    const doomed = (await countConnections(dying)) - before
    t.ok(doomed > 0 && doomed < OPEN, `${doomed} of ${OPEN} open connections are to the Pod`)
    const requests = await node.startRequests()
    fault.start()
    dying.process.kill('SIGKILL')
    await delay(DEAD_MS)
    await ipvsNode.moveAll(living.ip)
    fault.end()
    await fault.measureRecovery('the other Pod gets all new connections', () =>
      waitUntil(async () => (await ipvsNode.podsInUse()).join() === living.ip, 'the dead Pod is not in use'),
    )
    await fault.measureRecovery('its UDP flow is answered', () =>
      waitUntil(async () => (await request(node, flow)) === 'b', 'the other Pod answers'),
    )
    await delay(AFTERMATH_MS)
    await fault.checkTraffic([connections, ...requests], {
      newConnections: 'before recovery',
      udpRequests: 'before recovery',
      openConnections: doomed,
    })
  },
)

type PodServer = ServiceNode['servers'][number]

/** A client of `dns` whose datagrams a Pod gets. The scheduler gives it to the Pods in turn. */
async function openFlow(node: ServiceNode, pod: string): Promise<FixedPortUdpClient> {
  for (let n = 0; n < node.servers.length; n++) {
    const client = new FixedPortUdpClient(node.network, (await node.network.addPod()).namespace)
    if ((await request(node, client)) === pod) return client
  }
  throw new Error(`Pod ${pod} got none of ${node.servers.length} flows`)
}

/** Sends a datagram to `dns`. @returns the name of the Pod that answers, or nothing */
async function request({ dns }: ServiceNode, client: FixedPortUdpClient): Promise<string> {
  return (await client.request(dns.clusterIP, dns.port, RESEND_MS * TIMEOUT_FACTOR)).split(' ')[0]!
}

/** The number of open connections to a Pod. */
async function countConnections({ namespace }: PodServer): Promise<number> {
  const { stdout } = await namespace.run('ss', ['-Htn', 'state', 'established', 'sport', '=', ':8080'])
  return stdout.split('\n').filter(line => line !== '').length
}

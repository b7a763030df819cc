import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import t from 'tap'
import { NodeProcess } from '../support/nodes/node-process.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FixedPortUdpClient } from '../support/pods/fixed-port-udp-client.js'

const EXTERNAL_IP = '203.0.113.7'
const LB_IP = '198.51.100.9'
const LB_IP6 = 'fd00:1b::9'
const CLUSTER_IP = '10.96.0.10'
const POD_SERVER = fileURLToPath(new URL('../support/pods/pod-server.js', import.meta.url))
const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))

const PORTS = [
  { name: 'tcp', port: 80, nodePort: 30080 },
  { name: 'seen', port: 89, nodePort: 30089 },
  { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30080 },
]

function service(spec: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      type: 'LoadBalancer',
      clusterIP: CLUSTER_IP,
      clusterIPs: [CLUSTER_IP, 'fd00:96::a'],
      ports: PORTS,
      externalIPs: [EXTERNAL_IP],
      ...spec,
    },
    status: { loadBalancer: { ingress: [{ ip: LB_IP }, { ip: LB_IP6 }] } },
  }
}

/** Endpoints, by default on this node. */
function slice(ips: readonly string[], nodeName = 'this-node') {
  const family = ips[0]?.includes(':') === true ? 'IPv6' : 'IPv4'
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: `web-${nodeName}-${family.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: family,
    ports: [
      { name: 'tcp', port: 8080 },
      { name: 'seen', port: 8089 },
      { name: 'udp', port: 5353, protocol: 'UDP' },
    ],
    endpoints: ips.map(ip => ({ addresses: [ip], nodeName, conditions: { ready: true } })),
  }
}

t.test('Services served by the kernel', { skip: namespacesUnavailable, timeout: 120_000 }, async t => {
  const network = await NodeNetwork.create(t)
  // Each Pod has its own interface: packets between Pods pass through the node in both directions.
  const a = await network.addServer('a', 'no-address')
  const b = await network.addServer('b', 'no-address')
  const pod = await network.addPod('no-address')
  const sixth = await network.addServer('six')
  const [outside, otherHost] = [await network.addHost(), await network.addHost()]
  const otherNode = await network.addNode()
  const clients = {
    'a Pod': new NetworkClient(network, pod.namespace),
    'the node': new NetworkClient(network, network.node),
    outside: new NetworkClient(network, outside.namespace),
  }
  const proxier = new NodeProcess(network, 'processes/iptables-proxier-entry', [
    JSON.stringify({ 'cluster-cidr': '10.244.0.0/16,fd00:244::/64' }),
  ])
  t.equal(await proxier.readLine(), 'started')
  const serve = (...objects: readonly object[]) => proxier.sendCommand({ objects })
  /** The Pods that answer several connections, each once. */
  const answers = async (client: NetworkClient, ip: string, port: number) => {
    const seen = new Set<string>()
    for (let i = 0; i < 16; i++) seen.add(await client.tcp(ip, port))
    return [...seen].sort().join(' ')
  }
  const addresses = [
    ['cluster IP', CLUSTER_IP, 80, 89],
    ['external IP', EXTERNAL_IP, 80, 89],
    ['load-balancer IP', LB_IP, 80, 89],
    ['node port', NODE_IP, 30080, 30089],
  ] as const
  const own = { 'a Pod': pod.ip, 'the node': NODE_IP, outside: outside.ip }

  await t.test('every address is served for every kind of client, TCP and UDP', async t => {
    await serve(service(), slice([a.ip, b.ip]))
    for (const [who, client] of Object.entries(clients))
      for (const [what, ip, port] of addresses) {
        t.equal(await answers(client, ip, port), 'a b', `${what} from ${who}`)
        const { answer, from } = await client.udp(ip, port)
        t.match(answer, /^[ab] 5$/, `${what} from ${who}, UDP`)
        t.equal(from, `${ip}:${port}`)
      }
    t.equal(await answers(clients['the node'], '127.0.0.1', 30080), 'a b', 'on loopback')
    t.match((await clients['the node'].udp('127.0.0.1', 30080)).answer, /^[ab] 5$/)
  })

  await t.test('a Pod sees the address of a client Pod, and the address of the node for all other clients', async t => {
    for (const [who, client] of Object.entries(clients))
      for (const [what, ip, , port] of addresses) {
        const seen = await client.tcp(ip, port)
        if (who === 'a Pod' && what === 'cluster IP') t.equal(seen, own[who])
        else
          t.ok(
            /^[\d.]+$/.test(seen) && (who === 'the node' || seen !== own[who as 'outside']),
            `${what} from ${who}: ${seen}`,
          )
      }
  })

  await t.test(
    'with policy Local a Pod sees the address of every client, and client Pods get all endpoints',
    async t => {
      await serve(service({ externalTrafficPolicy: 'Local' }), slice([a.ip]), slice([otherNode.podIP], 'other'))
      t.equal(await clients.outside.tcp(NODE_IP, 30089), outside.ip)
      t.equal(await clients.outside.tcp(EXTERNAL_IP, 89), outside.ip)
      t.equal(await answers(clients.outside, LB_IP, 80), 'a')
      t.match(
        await answers(clients['a Pod'], LB_IP, 80),
        /ECONNREFUSED a|a ECONNREFUSED/,
        'no process listens in the other Pod',
      )
      await serve(service({ externalTrafficPolicy: 'Local' }), slice([otherNode.podIP], 'other'))
      t.equal(
        await clients.outside.tcpExpectingTimeout(NODE_IP, 30080),
        'no answer',
        'dropped where there is none here',
      )
      t.equal(await clients.outside.tcp(CLUSTER_IP, 80), 'ECONNREFUSED', 'but for the cluster IP, which has all')
      await serve(service({ internalTrafficPolicy: 'Local' }), slice([b.ip]), slice([otherNode.podIP], 'other'))
      t.equal(await answers(clients['a Pod'], CLUSTER_IP, 80), 'b')
    },
  )

  await t.test('without endpoints every client is refused at once', async t => {
    await serve(service())
    // Otherwise a client gets only one ICMP error per second.
    await network.node.run('sysctl', ['-qw', 'net.ipv4.icmp_ratelimit=0'])
    for (const [who, client] of Object.entries(clients))
      for (const [what, ip, port] of addresses) {
        t.equal(await client.tcp(ip, port), 'ECONNREFUSED', `${what} from ${who}`)
        t.equal((await client.udp(ip, port)).answer, 'ECONNREFUSED', `${what} from ${who}, UDP`)
      }
  })

  await t.test('a Pod reaches itself through its Service', async t => {
    await serve(service(), slice([a.ip]))
    const itself = new NetworkClient(network, a.namespace)
    t.equal(await itself.tcp(CLUSTER_IP, 80), 'a')
    t.equal(await itself.tcp(NODE_IP, 30080), 'a')
    t.not(await itself.tcp(CLUSTER_IP, 89), a.ip, 'the connection seems to come from the node')
    t.equal((await itself.udp(CLUSTER_IP, 80)).answer, 'a 5')
  })

  await t.test('with session affinity a client stays with its endpoint', async t => {
    await serve(service({ sessionAffinity: 'ClientIP' }), slice([a.ip, b.ip]))
    for (const client of Object.values(clients)) {
      const first = await client.tcp(CLUSTER_IP, 80)
      t.match(first, /^[ab]$/)
      t.equal(await answers(client, CLUSTER_IP, 80), first)
    }
    await serve(service({ sessionAffinity: 'ClientIP' }), slice([b.ip]))
    t.equal(await answers(clients['a Pod'], CLUSTER_IP, 80), 'b', 'while that endpoint exists')
  })

  await t.test('source ranges admit their clients and drop others at load-balancer IPs', async t => {
    const other = new NetworkClient(network, otherHost.namespace)
    await serve(service({ loadBalancerSourceRanges: [`${outside.ip}/32`] }), slice([a.ip]))
    t.equal(await clients.outside.tcp(LB_IP, 80), 'a')
    t.equal(await other.tcpExpectingTimeout(LB_IP, 80), 'no answer')
    t.equal(await other.tcp(EXTERNAL_IP, 80), 'a', 'other addresses are not affected')
  })

  await t.test('a UDP client that keeps its port follows the endpoints', async t => {
    const client = new FixedPortUdpClient(network, pod.namespace)
    await serve()
    await client.send(CLUSTER_IP, 80)
    await serve(service(), slice([a.ip]))
    t.equal(await client.request(CLUSTER_IP, 80), 'a 5', 'even if it started before the Service existed')
    await serve(service(), slice([b.ip]))
    t.equal(await client.request(CLUSTER_IP, 80), 'b 5')
  })

  await t.test('no connection is lost while endpoints change', async t => {
    await serve(service(), slice([a.ip, b.ip]))
    const load = network.start(pod.namespace, process.execPath, [
      LOAD_CLIENT,
      CLUSTER_IP,
      '80',
      'sequential',
      '3000',
      '2',
    ])
    const printed = once(load.stdout!, 'data')
    let isRunning = true
    const ended = printed.then(() => (isRunning = false))
    let changes = 0
    while (isRunning) await serve(service(), slice([[a.ip], [b.ip], [a.ip, b.ip]][changes++ % 3]!))
    await ended
    const { outcomes, answers } = JSON.parse(String((await printed)[0])) as Record<string, Record<string, number>>
    t.strictSame(outcomes, { answered: 3000 })
    t.strictSame(Object.keys(answers!).sort(), ['a', 'b'])
    t.ok(changes > 5, `${changes} changes during the load`)
  })

  await t.test('no host on the network reaches the loopback of the node, although NodePorts answer there', async t => {
    await once(network.start(network.node, process.execPath, [POD_SERVER, 'the node']).stdout!, 'data')
    await otherHost.namespace.configure(
      'address del 127.0.0.1/8 dev lo',
      'route add 127.0.0.1/32 via 192.168.61.1 dev eth0',
    )
    await otherHost.namespace.run('sysctl', ['-qw', 'net.ipv4.conf.eth0.route_localnet=1'])
    const client = new NetworkClient(network, otherHost.namespace)
    t.equal(await client.tcpExpectingTimeout('127.0.0.1', 8080), 'no answer')
    await network.node.run('iptables', ['-F', 'KUBE-FIREWALL'])
    t.equal(await client.tcp('127.0.0.1', 8080), 'the node', 'without the rule the host would reach it')
  })

  await t.test('IPv6 is served like IPv4', async t => {
    await serve(service(), slice([sixth.ip6]))
    for (const client of [clients.outside, clients['the node']])
      for (const [ip, port] of [
        ['fd00:96::a', 80],
        [LB_IP6, 80],
        [NODE_IP6, 30080],
      ] as const) {
        t.equal(await client.tcp(ip, port), 'six', `${ip} ${port}`)
        t.equal((await client.udp(ip, port)).answer, 'six 5')
      }
    await serve(service())
    t.equal(await clients.outside.tcp('fd00:96::a', 80), 'ECONNREFUSED')
  })
})

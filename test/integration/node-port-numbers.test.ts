import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const skip =
  namespacesUnavailable !== false ? namespacesUnavailable : skipUnlessMode(['userspace'], 'the kernel holds no ports')
const options = { skip, timeout: 120_000 * TIMEOUT_FACTOR }

/** All that a NodePort can be. The addresses: of the node, of the node on the outside client's side, and loopback. */
const KINDS = [
  { name: 'tcp4', protocol: 'TCP', network: '10.96', nodeIPs: [NODE_IP, '192.168.60.1'], loopback: '127.0.0.1' },
  { name: 'udp4', protocol: 'UDP', network: '10.96', nodeIPs: [NODE_IP, '192.168.60.1'], loopback: '127.0.0.1' },
  { name: 'tcp6', protocol: 'TCP', network: 'fd00:96', nodeIPs: [NODE_IP6, 'fd00:60::1'], loopback: '::1' },
  { name: 'udp6', protocol: 'UDP', network: 'fd00:96', nodeIPs: [NODE_IP6, 'fd00:60::1'], loopback: '::1' },
] as const
type Kind = (typeof KINDS)[number]
/** A number for each kind. */
type Numbers = Readonly<Record<Kind['name'], number>>

const isIPv6 = ({ network }: Kind) => network === 'fd00:96'
const clusterIP = (kind: Kind, last: number) =>
  isIPv6(kind) ? `${kind.network}::${KINDS.indexOf(kind)}${last}` : `${kind.network}.${KINDS.indexOf(kind)}.${last}`

/**
 * A node, two Pods, clients everywhere, and a proxy with Services `x-…` without NodePorts.
 * @param args more flags of the proxy
 * @param prepare commands of `ip` for the node before the proxy starts
 */
async function createScene(t: Test, args: readonly string[] = [], prepare: readonly string[] = []) {
  const network = await NodeNetwork.create(t)
  const [x, y] = [await network.addServer('x'), await network.addServer('y')]
  const outside = await network.addHost()
  const clients = {
    outside: new NetworkClient(network, outside.namespace),
    pod: new NetworkClient(network, (await network.addPod()).namespace),
    node: new NetworkClient(network, network.node),
  }
  const folder = new ManifestFolder(t)
  const services = (name: string, last: number, pod: typeof x, nodePorts?: Numbers) =>
    KINDS.flatMap(kind => {
      const { protocol } = kind
      const nodePort = nodePorts === undefined ? {} : { nodePort: nodePorts[kind.name] }
      return [
        makeServiceManifest(`${name}-${kind.name}`, {
          clusterIP: clusterIP(kind, last),
          port: 80,
          protocol,
          ...nodePort,
        }),
        makeSliceManifest(
          `${name}-${kind.name}`,
          [isIPv6(kind) ? pod.ip6 : pod.ip],
          protocol === 'TCP' ? 8080 : 5353,
          protocol,
        ),
      ]
    })
  const write = (nodePorts?: Numbers, ...more: readonly object[]) =>
    folder.write(...services('x', 1, x), ...(nodePorts === undefined ? [] : services('y', 2, y, nodePorts)), ...more)
  const request = async ({ protocol }: Kind, client: NetworkClient, ip: string, port: number) =>
    protocol === 'TCP' ? client.tcp(ip, port) : (await client.udp(ip, port)).answer.split(' ')[0]!
  write()
  await network.node.configure(...prepare)
  const common = [
    '--manifests',
    folder.path,
    '--cluster-cidr=10.244.0.0/16',
    '--iptables-min-sync-period=50ms',
    '--drain-timeout=100ms',
  ]
  const proxy = new ProxyProcess(network, [...common, ...args])
  for (const family of ['IPv4', 'IPv6'])
    await proxy.waitForLine(new RegExp(`Synced rules" family="${family}" changed=true`))
  return { network, x, outside, clients, write, request, proxy }
}

type Scene = Awaited<ReturnType<typeof createScene>>

/** Every client gets the NodePort, and the other Services as before. */
async function expectServed(
  t: Test,
  { clients, request }: Scene,
  numbers: Numbers,
  servesLoopback: (kind: Kind) => boolean = () => true,
): Promise<void> {
  for (const kind of KINDS) {
    const port = numbers[kind.name]
    for (const [who, client] of Object.entries(clients))
      for (const ip of kind.nodeIPs)
        t.equal(await request(kind, client, ip, port), 'y', `${kind.name}: ${who} to ${ip}`)
    if (servesLoopback(kind))
      t.equal(await request(kind, clients.node, kind.loopback, port), 'y', `${kind.name}: loopback`)
    t.equal(await request(kind, clients.pod, clusterIP(kind, 1), 80), 'x', `${kind.name}: the other Service`)
  }
}

async function waitForRules({ proxy }: Scene, from: number): Promise<void> {
  for (const family of ['IPv4', 'IPv6'])
    await proxy.waitForLine(new RegExp(`Synced rules" family="${family}" changed=true`), from)
}

/** The ports that the proxy listens on for the Services `x-…`. */
function proxyPortsOf({ proxy }: Scene): Numbers {
  return Object.fromEntries(
    KINDS.map(({ name }) => {
      const line = proxy.lines.find(text => new RegExp(`"Serving" servicePort="[^"]*/x-${name}[/"]`).test(text))
      return [name, Number(/proxyPort="?(\d+)/.exec(line!)![1])]
    }),
  ) as Numbers
}

/** Opens a connection through each TCP Service `x-…`. @returns a function that checks that all still exist */
async function openConnections({ network, outside }: Scene): Promise<() => Promise<boolean>> {
  const connections = KINDS.filter(({ protocol }) => protocol === 'TCP').map(
    kind => new PersistentConnection(network, outside.namespace, clusterIP(kind, 1), 80),
  )
  const areAlive = async (): Promise<boolean> => {
    const answers = await Promise.all(connections.map(connection => connection.send('echo')))
    return answers.every(answer => answer === 'echo')
  }
  if (!(await areAlive())) throw new Error('a connection did not open')
  return areAlive
}

/** The local port of a connected socket of the node to an address. */
async function localPortTo({ network }: Scene, kind: Kind, address: string): Promise<number> {
  const destination = isIPv6(kind) ? `[${address}]` : address
  const port = kind.protocol === 'TCP' ? 8080 : 5353
  const { stdout } = await network.node.run('ss', [
    kind.protocol === 'TCP' ? '-Htn' : '-Hun',
    'dst',
    `${destination}:${port}`,
  ])
  return Number(/:(\d+)\s+\S+:(?:8080|5353)/.exec(stdout)?.[1])
}

for (const [way, args] of [
  ['addresses of the node', []],
  ['--bind-address of one family', [`--bind-address=${NODE_IP}`]],
] as const)
  t.test(`a proxy port makes room for the NodePort of another Service (${way})`, options, async t => {
    const scene = await createScene(t, args)
    const { proxy, write } = scene
    const areAlive = await openConnections(scene)
    const numbers = proxyPortsOf(scene)
    const from = proxy.lines.length
    write(numbers)
    await waitForRules(scene, from)
    // Once the old listeners are closed, the NodePort is held there too.
    for (const { name, loopback } of KINDS)
      await proxy.waitForLine(new RegExp(`"Serving" servicePort="[^"]*y-${name}.*#node-port-.*@${loopback}"`), from)
    for (const { name, nodeIPs } of KINDS)
      await proxy.waitForLine(new RegExp(`"Serving" servicePort="[^"]*y-${name}.*#node-port-.*@${nodeIPs[0]}"`), from)
    await expectServed(t, scene, numbers)
    t.ok(await areAlive(), 'connections that came before continue')
    t.equal(proxy.lines.filter(line => line.includes('"Moving a proxy port')).length, KINDS.length)
    t.notOk(proxy.lines.some(line => line.includes('PROXY_PORT_UNAVAILABLE')))
    t.equal(await proxy.stop(), 0)
  })

t.test('a proxy port on all addresses makes room for the NodePort of another Service on loopback', options, async t => {
  // Without an address of the node, listeners are on all addresses, loopback included.
  const scene = await createScene(
    t,
    [],
    [
      'address del fd00:244::1/64 dev cni0',
      `address del ${NODE_IP6}/64 dev eth0`,
      'address del fd00:60::1/64 dev host60',
      'route add fd00:244::/64 dev cni0',
    ],
  )
  const { proxy, write, clients, request } = scene
  const numbers = proxyPortsOf(scene)
  const from = proxy.lines.length
  write(numbers)
  // The node has only a link-local address to ask the Pod from. A UDP server would answer that from its own link-local address.
  for (const kind of KINDS.filter(({ name }) => name === 'tcp6')) {
    await proxy.waitForLine(new RegExp(`"Serving" servicePort="[^"]*y-${kind.name}.*#node-port-.*@::1"`), from)
    t.equal(await request(kind, clients.node, '::1', numbers[kind.name]), 'y', kind.name)
  }
  t.notOk(proxy.lines.some(line => line.includes('PROXY_PORT_UNAVAILABLE')))
  t.equal(await proxy.stop(), 0)
})

t.test('a NodePort has the number of an outgoing connection of this proxy', options, async t => {
  const scene = await createScene(t)
  const { proxy, write, clients, x, request } = scene
  const areAlive = await openConnections(scene)
  for (const kind of KINDS) t.equal(await request(kind, clients.pod, clusterIP(kind, 1), 80), 'x', kind.name)
  const numbers = Object.fromEntries(
    await Promise.all(
      KINDS.map(async kind => [kind.name, await localPortTo(scene, kind, isIPv6(kind) ? x.ip6 : x.ip)] as const),
    ),
  ) as Numbers
  const from = proxy.lines.length
  write(numbers)
  await waitForRules(scene, from)
  await expectServed(t, scene, numbers)
  t.ok(await areAlive())
  t.equal(await proxy.stop(), 0)
})

t.test('a NodePort has the number of a connection of another program', options, async t => {
  const scene = await createScene(t)
  const { network, proxy, write, x } = scene
  const program = `
    const open = ([name, local, ip]) => new Promise(resolve => {
      if (name.startsWith('tcp')) {
        const socket = require('net').connect({ host: ip, port: 8080 }, () => resolve([name, socket.localPort]))
        return socket.resume()
      }
      const socket = require('dgram').createSocket(name === 'udp6' ? 'udp6' : 'udp4')
      socket.bind(0, local, () => socket.connect(5353, ip, () => resolve([name, socket.address().port])))
    })
    void Promise.all(JSON.parse(process.argv[1]).map(open)).then(all => console.log(JSON.stringify(all)))`
  const sockets = KINDS.map(kind => [kind.name, kind.nodeIPs[0], isIPv6(kind) ? x.ip6 : x.ip])
  const holder = network.start(network.node, process.execPath, ['-e', program, JSON.stringify(sockets)])
  const [output] = (await once(holder.stdout!, 'data')) as [Buffer]
  const numbers = Object.fromEntries(JSON.parse(String(output)) as [string, number][]) as Numbers
  const from = proxy.lines.length
  write(numbers)
  await waitForRules(scene, from)
  await expectServed(t, scene, numbers)
  const reports = proxy.lines.filter(line => line.includes('NodePort is served but not held'))
  t.equal(reports.length, KINDS.length, 'each is reported once')
  t.equal(await proxy.stop(), 0)
})

for (const [what, number, isOnAll] of [
  ['a health check port', 30250, true],
  ['the port of /healthz', 10256, true],
  ['the port of the metrics', 10249, false],
] as const)
  t.test(`a NodePort has the number of ${what}`, options, async t => {
    const scene = await createScene(t)
    const { proxy, write } = scene
    const health = makeHealthService(30250)
    write(undefined, ...health)
    await proxy.waitForLine(/"Opened the health check port/)
    const numbers = { tcp4: number, udp4: number, tcp6: number, udp6: number }
    const from = proxy.lines.length
    write(numbers, ...health)
    await waitForRules(scene, from)
    // On loopback the server of this proxy answers TCP; the API server never gives out such a number twice.
    await expectServed(t, scene, numbers, ({ name }) => name.startsWith('udp') || (name === 'tcp6' && !isOnAll))
    t.ok(proxy.lines.some(line => line.includes('NodePort is served but not held') && line.includes(String(number))))
    t.equal(await proxy.stop(), 0)
  })

/** A Service whose health check port is on every node. */
function makeHealthService(healthCheckNodePort: number): object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'checked' },
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.9.9',
        clusterIPs: ['10.96.9.9'],
        ports: [{ port: 80, nodePort: 30251 }],
        externalTrafficPolicy: 'Local',
        healthCheckNodePort,
      },
    },
  ]
}

for (const family of ['IPv4', 'IPv6'])
  t.test(`a proxy port makes room for a health check port (${family})`, options, async t => {
    const scene = await createScene(t)
    const { proxy, write, outside, clients, request } = scene
    const areAlive = await openConnections(scene)
    const { tcp4, tcp6 } = proxyPortsOf(scene)
    const number = family === 'IPv4' ? tcp4 : tcp6
    write(undefined, ...makeHealthService(number))
    await proxy.waitForLine(/"Opened the health check port of a Service"/)
    const program = `fetch(process.argv[1]).then(async response => console.log(response.status, (await response.json()).localEndpoints))`
    for (const host of [NODE_IP, `[${NODE_IP6}]`, '192.168.60.1']) {
      const { stdout } = await outside.namespace.run(process.execPath, ['-e', program, `http://${host}:${number}/`])
      t.equal(stdout.trim(), '503 0', host)
    }
    for (const kind of KINDS) t.equal(await request(kind, clients.pod, clusterIP(kind, 1), 80), 'x', kind.name)
    t.ok(await areAlive(), 'connections that came before continue')
    t.equal(proxy.lines.filter(line => line.includes('"Moving a proxy port')).length, 1)
    t.equal(await proxy.stop(), 0)
  })

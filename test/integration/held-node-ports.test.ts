import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const skip =
  namespacesUnavailable !== false ? namespacesUnavailable : skipUnlessMode(['userspace'], 'the kernel holds no ports')
const options = { skip, timeout: 120_000 * TIMEOUT_FACTOR }
const SECOND_IP = '192.168.51.1'
/** Tries to listen on an address and port of the node, and prints the outcome. */
const TRY_TO_LISTEN = `
  const [protocol, ip, port] = process.argv.slice(1)
  const report = error => { console.log(error?.code ?? 'free'); process.exit() }
  if (protocol === 'TCP') require('net').createServer().on('error', report).listen(+port, ip, () => report())
  else require('dgram').createSocket(ip.includes(':') ? 'udp6' : 'udp4').on('error', report).bind(+port, ip, () => report())`

interface NodePort {
  readonly name: string
  readonly clusterIP: string
  readonly nodePort?: number | undefined
  readonly udpNodePort?: number | undefined
}

function service({ name, clusterIP, nodePort, udpNodePort }: NodePort, podIP: string): object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'NodePort',
        clusterIP,
        clusterIPs: [clusterIP],
        ports: [
          { name: 'tcp', port: 80, nodePort },
          { name: 'udp', port: 80, protocol: 'UDP', nodePort: udpNodePort },
        ],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [
        { name: 'tcp', port: 8080 },
        { name: 'udp', port: 5353, protocol: 'UDP' },
      ],
      endpoints: [{ addresses: [podIP] }],
    },
  ]
}

/** A node with a Pod, a client outside, and the objects of a proxy that is not started yet. */
async function createScene(t: Test) {
  const network = await NodeNetwork.create(t)
  const pod = await network.addServer('pod')
  const outside = await network.addHost()
  const clients = {
    outside: new NetworkClient(network, outside.namespace),
    node: new NetworkClient(network, network.node),
  }
  const folder = new ManifestFolder(t)
  const write = (...ports: readonly NodePort[]) => folder.write(...ports.flatMap(port => service(port, pod.ip)))
  const start = async (...args: readonly string[]) => {
    const common = ['--manifests', folder.path, '--cluster-cidr', '10.244.0.0/16', '--iptables-min-sync-period', '50ms']
    const proxy = new ProxyProcess(network, [...common, ...args])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    return proxy
  }
  const tryToListen = async (protocol: 'TCP' | 'UDP', ip: string, port: number) =>
    (await network.node.run(process.execPath, ['-e', TRY_TO_LISTEN, protocol, ip, String(port)])).stdout.trim()
  return { network, pod, folder, outside, clients, write, start, tryToListen }
}

t.test(
  'with --nodeport-addresses a NodePort is held at the addresses that serve it, and free at others',
  options,
  async t => {
    const { network, clients, write, start, tryToListen } = await createScene(t)
    await network.node.configure(`address add ${SECOND_IP}/24 dev eth0`)
    write({ name: 'web', clusterIP: '10.96.0.10', nodePort: 30080, udpNodePort: 30081 })
    const proxy = await start('--nodeport-addresses=192.168.50.0/24')
    t.equal(await clients.outside.tcp(NODE_IP, 30080), 'pod')
    t.match(await clients.outside.udp(NODE_IP, 30081), { answer: 'pod 5' })
    for (const [protocol, port] of [
      ['TCP', 30080],
      ['UDP', 30081],
    ] as const) {
      t.equal(await tryToListen(protocol, NODE_IP, port), 'EADDRINUSE', `${protocol}, served`)
      t.equal(await tryToListen(protocol, SECOND_IP, port), 'free', `${protocol}, not served`)
      t.equal(await tryToListen(protocol, '127.0.0.1', port), 'free', `${protocol}, loopback is not served`)
      t.equal(await tryToListen(protocol, '0.0.0.0', port), 'EADDRINUSE', `${protocol}, an address of all is served`)
    }

    const from = proxy.lines.length
    await network.node.configure('address add 192.168.50.7/32 dev eth0')
    await proxy.waitForLine(/"Serving" servicePort=".*#node-port-30080@192.168.50.7"/, from)
    t.equal(await tryToListen('TCP', '192.168.50.7', 30080), 'EADDRINUSE', 'a new address')
    const before = proxy.lines.length
    await network.node.configure('address del 192.168.50.7/32 dev eth0')
    await proxy.waitForLine(/"No longer serving" servicePort=".*#node-port-30080@192.168.50.7"/, before)
    t.notOk(proxy.lines.some(line => line.includes('PROXY_PORT_UNAVAILABLE')))
    t.equal(await proxy.stop(), 0)
  },
)

t.test('the words of --nodeport-addresses choose the addresses that serve and hold NodePorts', options, async t => {
  const { network, clients, write, start, tryToListen } = await createScene(t)
  await network.node.configure(`address add ${SECOND_IP}/24 dev eth0`)
  write({ name: 'web', clusterIP: '10.96.0.10', nodePort: 30080, udpNodePort: 30081 })
  const cases: readonly (readonly [words: string, served: readonly string[]])[] = [
    ['localhost', ['127.0.0.1']],
    ['primary', [NODE_IP]],
    ['all', [NODE_IP, SECOND_IP, '127.0.0.1']],
    ['primary,localhost', [NODE_IP, '127.0.0.1']],
  ]
  for (const [words, served] of cases) {
    const proxy = await start(`--nodeport-addresses=${words}`)
    for (const ip of [NODE_IP, SECOND_IP, '127.0.0.1']) {
      const isServed = served.includes(ip)
      const who = `${words}, ${ip}`
      t.equal(await clients.node.tcp(ip, 30080), isServed ? 'pod' : 'ECONNREFUSED', who)
      t.match((await clients.node.udp(ip, 30081)).answer, isServed ? 'pod 5' : 'ECONNREFUSED', `${who}, UDP`)
      if (ip !== '127.0.0.1')
        t.equal(await clients.outside.tcp(ip, 30080), isServed ? 'pod' : 'ECONNREFUSED', `${who}, outside`)
      for (const [protocol, port] of [
        ['TCP', 30080],
        ['UDP', 30081],
      ] as const)
        t.equal(await tryToListen(protocol, ip, port), isServed ? 'EADDRINUSE' : 'free', `${who}, ${protocol} held`)
    }
    t.equal(await proxy.stop(), 0)
  }
})

t.test('an IPv6 NodePort is held at the addresses that serve it, and free at others', options, async t => {
  const { network, pod, folder, clients, start, tryToListen } = await createScene(t)
  await network.node.configure('address add fd00:51::1/64 dev eth0 nodad')
  const ports = [
    { protocol: 'TCP', nodePort: 30080, podPort: 8080 },
    { protocol: 'UDP', nodePort: 30081, podPort: 5353 },
  ] as const
  folder.write(
    ...ports.flatMap(({ protocol, nodePort, podPort }, index) => [
      makeServiceManifest(`web-${index}`, { clusterIP: `fd00:96::${index + 1}`, port: 80, protocol, nodePort }),
      makeSliceManifest(`web-${index}`, [pod.ip6], podPort, protocol),
    ]),
  )
  const proxy = await start('--nodeport-addresses=fd00:50::/64')
  await proxy.waitForLine(/Synced rules" family="IPv6"/)
  t.equal(await clients.outside.tcp(NODE_IP6, 30080), 'pod')
  t.match(await clients.outside.udp(NODE_IP6, 30081), { answer: 'pod 5' })
  for (const { protocol, nodePort } of ports) {
    t.equal(await tryToListen(protocol, NODE_IP6, nodePort), 'EADDRINUSE', `${protocol}, served`)
    t.equal(await tryToListen(protocol, 'fd00:51::1', nodePort), 'free', `${protocol}, not served`)
    t.equal(await tryToListen(protocol, '::1', nodePort), 'free', `${protocol}, loopback is not served`)
  }
  t.equal(await proxy.stop(), 0)
})

t.test('a NodePort with the number of a proxy port is served and held', options, async t => {
  const { clients, write, start, tryToListen } = await createScene(t)
  const web = { name: 'web', clusterIP: '10.96.0.10' }
  write(web)
  const proxy = await start()
  const proxyPort = async (protocol: string) =>
    Number(
      /proxyPort="?(\d+)/.exec(await proxy.waitForLine(new RegExp(`"Serving" servicePort="[^"]*/${protocol}"`)))![1],
    )
  const [nodePort, udpNodePort] = [await proxyPort('TCP'), await proxyPort('UDP')]
  const from = proxy.lines.length
  write({ ...web, nodePort, udpNodePort })
  await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
  for (const [who, client, ip] of [
    ['outside', clients.outside, NODE_IP],
    ['the node', clients.node, NODE_IP],
    ['the node on loopback', clients.node, '127.0.0.1'],
    ['outside, at another address of the node', clients.outside, '192.168.60.1'],
    ['outside, ClusterIP', clients.outside, ''],
  ] as const) {
    t.equal(await client.tcp(ip || '10.96.0.10', ip === '' ? 80 : nodePort), 'pod', who)
    t.match(await client.udp(ip || '10.96.0.10', ip === '' ? 80 : udpNodePort), { answer: 'pod 5' }, `${who}, UDP`)
  }
  for (const [protocol, port] of [
    ['tcp', nodePort],
    ['udp', udpNodePort],
  ] as const)
    await proxy.waitForLine(
      new RegExp(`"Serving" servicePort="[^"]*:${protocol}/[^"]*#node-port-${port}@${NODE_IP}"`),
      from,
    )
  for (const ip of [NODE_IP, '127.0.0.1', '192.168.60.1', '0.0.0.0']) {
    t.equal(await tryToListen('TCP', ip, nodePort), 'EADDRINUSE', ip)
    t.equal(await tryToListen('UDP', ip, udpNodePort), 'EADDRINUSE', `${ip}, UDP`)
  }
  t.notOk(proxy.lines.some(line => line.includes('PROXY_PORT_UNAVAILABLE')))
  t.equal(await proxy.stop(), 0)
})

t.test('proxy ports leave the numbers of NodePorts free', options, async t => {
  const { network, clients, write, start } = await createScene(t)
  await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=30080 30591'])
  const ports = Array.from({ length: 16 }, (_, i) => ({
    name: `web-${i}`,
    clusterIP: `10.96.0.${10 + i}`,
    nodePort: 30080 + i,
    udpNodePort: 30080 + i,
  }))
  write(...ports)
  const proxy = await start()
  for (const { nodePort } of ports) t.equal(await clients.outside.tcp(NODE_IP, nodePort), 'pod', String(nodePort))
  const proxyPorts = proxy.lines.flatMap(line => /"Serving".* clusterIP=.* proxyPort="?(\d+)/.exec(line)?.[1] ?? [])
  t.equal(proxyPorts.length, 32)
  t.strictSame(
    proxyPorts.filter(port => Number(port) < 30096),
    [],
  )
  t.notOk(proxy.lines.some(line => line.includes('PROXY_PORT_UNAVAILABLE')))
  t.equal(await proxy.stop(), 0)
})

t.test(
  'a NodePort whose number an outgoing connection or another program has is served, reported once',
  options,
  async t => {
    const { network, outside, clients, write, start, tryToListen } = await createScene(t)
    const server = network.start(outside.namespace, process.execPath, [
      '-e',
      `require('net').createServer().listen(9000, () => console.log('listening'))`,
    ])
    await once(server.stdout!, 'data')
    // The kernel gives this number to the next outgoing connection.
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=30080 30080'])
    const holder = network.start(network.node, process.execPath, [
      '-e',
      `require('net').connect({ host: '${outside.ip}', port: 9000 }, () => console.log('connected')).resume()`,
    ])
    await once(holder.stdout!, 'data')
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=32768 60999'])
    const listener = network.start(network.node, process.execPath, [
      '-e',
      `require('net').createServer(s => s.end('another process')).listen(30081, () => console.log('listening'))`,
    ])
    await once(listener.stdout!, 'data')
    write(
      { name: 'web', clusterIP: '10.96.0.10', nodePort: 30080 },
      { name: 'other', clusterIP: '10.96.0.11', nodePort: 30081 },
    )
    const proxy = await start()
    for (const ip of [NODE_IP, '192.168.60.1']) t.equal(await clients.outside.tcp(ip, 30080), 'pod', ip)
    t.equal(await clients.node.tcp('127.0.0.1', 30080), 'pod', 'the addresses that are free are held')
    t.equal(await tryToListen('TCP', NODE_IP, 30080), 'EADDRINUSE')
    t.equal(await clients.outside.tcp(NODE_IP, 30081), 'pod', 'the API server gave the number to the Service')
    t.equal(await clients.node.tcp('127.0.0.1', 30081), 'another process')
    const reports = (port: number) =>
      proxy.lines.filter(line => line.includes('not held') && line.includes(String(port)))
    t.equal(reports(30080).length, 1)
    t.match(reports(30080)[0], /EADDRINUSE/)
    t.equal(reports(30081).length, 1)

    const from = proxy.lines.length
    // The other side closes first, so that nothing of the connection stays on the node (TIME_WAIT).
    const ended = once(holder, 'exit')
    server.kill('SIGKILL')
    await ended
    listener.kill('SIGKILL')
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/web.*#node-port-30080@192.168.60.1"/, from)
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/other.*#node-port-30081@127.0.0.1"/, from)
    t.equal(await clients.node.tcp('127.0.0.1', 30081), 'pod')
    t.equal(reports(30080).length, 1, 'reported once')
    t.equal(await proxy.stop(), 0)
  },
)

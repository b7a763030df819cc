import { once } from 'node:events'
import t from 'tap'
import { ManifestFolder } from '../support/api/manifests.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { PROXY_MODE, skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const EXTERNAL_IP = '203.0.113.7'
const LB_IP = '198.51.100.9'
const LB_IP6 = 'fd00:1b::9'
const NODE_NAME = 'this-node'
/** In iptables mode the kernel picks endpoints at random. */
const IS_ROUND_ROBIN = PROXY_MODE !== 'iptables'
/** With policy Local, ipvs mode uses local endpoints for every client: a virtual server has one list for all clients. */
const PODS_WITH_POLICY_LOCAL = PROXY_MODE === 'ipvs' ? 'here' : 'here there'

/** The log line of a proxy that has written a change to the kernel. */
const SYNC_LOG_PATTERN = /Synced (rules" family="IPv4" changed=true|virtual servers" family="IPv4")/

/** An endpoint of an EndpointSlice, by default on this node. */
const endpoint = (ip: string, nodeName = NODE_NAME) => ({ addresses: [ip], nodeName, conditions: { ready: true } })

function slice(name: string, endpoints: readonly object[], family: 'IPv4' | 'IPv6' = 'IPv4') {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: family,
    ports: [
      { name: 'tcp', port: 8080 },
      { name: 'udp', port: 5353, protocol: 'UDP' },
    ],
    endpoints,
  }
}

function loadBalancer(name: string, spec: object) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10', 'fd00:96::a'],
      ports: [
        { name: 'tcp', port: 80, nodePort: 30080 },
        { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30080 },
      ],
      externalIPs: [EXTERNAL_IP],
      ...spec,
    },
    status: { loadBalancer: { ingress: [{ ip: LB_IP }, { ip: LB_IP6 }] } },
  }
}

t.test(
  'Services from outside the cluster',
  { skip: namespacesUnavailable, timeout: 120_000 * TIMEOUT_FACTOR },
  async t => {
    const network = await NodeNetwork.create(t)
    const here = await network.addServer('here')
    const there = await network.addServer('there')
    const outside = await network.addHost()
    const otherNode = await network.addNode()
    const clients = {
      outside: new NetworkClient(network, outside.namespace),
      'a Pod here': new NetworkClient(network, (await network.addPod()).namespace),
      'a Pod of another node': new NetworkClient(network, otherNode.pod),
      'the node': new NetworkClient(network, network.node),
    }
    const folder = new ManifestFolder(t)
    const both = [endpoint(here.ip), endpoint(there.ip, 'another-node')]
    const both6 = slice('web', [endpoint(here.ip6), endpoint(there.ip6, 'another-node')], 'IPv6')
    folder.write(loadBalancer('web', {}), slice('web', both), both6)
    const proxy = new ProxyProcess(network, [
      ...['--manifests', folder.path, '--hostname-override', NODE_NAME],
      ...['--cluster-cidr', '10.244.0.0/15', '--iptables-min-sync-period', '50ms'],
    ])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    await proxy.waitForLine(/Synced rules" family="IPv6"/)

    /** Writes objects and waits until the rules are written. */
    const serve = async (...objects: readonly object[]) => {
      const from = proxy.lines.length
      folder.write(...objects)
      await proxy.waitForLine(SYNC_LOG_PATTERN, from)
    }
    /** Writes objects that differ only in endpoints and waits until they are served: in userspace mode no rule changes. */
    const serveEndpoints = async (endpoints: RegExp, ...objects: readonly object[]) => {
      const from = proxy.lines.length
      folder.write(...objects)
      await proxy.waitForLine(PROXY_MODE === 'userspace' ? endpoints : SYNC_LOG_PATTERN, from)
    }

    /** The Pods that answer several connections, each once; with random picks there are enough connections to reach both. */
    const answers = async (client: NetworkClient, ip: string, port: number) => {
      const seen = new Set<string>()
      for (let i = 0; i < (IS_ROUND_ROBIN ? 4 : 24) && !(seen.has('here') && seen.has('there')); i++)
        seen.add(await client.tcp(ip, port))
      return [...seen].sort().join(' ')
    }

    /** The same, after waiting for the expected result: the log line may belong to an earlier write of rules. */
    const settled = async (client: NetworkClient, ip: string, port: number, expected: string) => {
      const end = Date.now() + 20_000 * TIMEOUT_FACTOR
      let seen = ''
      while (seen !== expected && Date.now() < end) seen = await answers(client, ip, port)
      return seen
    }

    await t.test('every address is served for every kind of client, TCP and UDP', async t => {
      for (const [who, client] of Object.entries(clients)) {
        for (const [what, ip, port] of [
          ['cluster IP', '10.96.0.10', 80],
          ['external IP', EXTERNAL_IP, 80],
          ['load-balancer IP', LB_IP, 80],
          ['node port', NODE_IP, 30080],
        ] as const) {
          t.equal(await answers(client, ip, port), 'here there', `${what} from ${who}`)
          const { answer, from } = await client.udp(ip, port)
          t.match(answer, /^(here|there) 5$/, `${what} from ${who}, UDP`)
          t.equal(from, `${ip}:${port}`)
        }
      }
      for (const [what, ip, port] of [
        ['cluster IP', 'fd00:96::a', 80],
        ['load-balancer IP', LB_IP6, 80],
        ['node port', NODE_IP6, 30080],
      ] as const) {
        for (const [who, client] of Object.entries(clients)) {
          t.equal(await answers(client, ip, port), 'here there', `IPv6 ${what} from ${who}`)
          t.match(await client.udp(ip, port), { answer: /^(here|there) 5$/, from: `${ip}:${port}` })
        }
      }
    })

    await t.test('NodePorts answer on loopback too', async t => {
      // The kernel does not translate IPv6 packets from loopback: only a listener can answer there. IPVS never answers on loopback.
      const loopbacks: Readonly<Record<string, readonly string[]>> = {
        userspace: ['127.0.0.1', '::1'],
        iptables: ['127.0.0.1'],
        ipvs: [],
      }
      const served = loopbacks[PROXY_MODE]!
      for (const ip of ['127.0.0.1', '::1'].filter(ip => !served.includes(ip)))
        t.equal(await clients['the node'].tcp(ip, 30080), 'ECONNREFUSED', `${ip}, where no process listens`)
      for (const ip of served) {
        t.equal(await answers(clients['the node'], ip, 30080), 'here there', ip)
        t.match(await clients['the node'].udp(ip, 30080), { answer: /^(here|there) 5$/ }, `${ip}, UDP`)
      }
      const { stdout } = await network.node.run('sysctl', ['-n', 'net.ipv4.conf.all.route_localnet'])
      t.equal(stdout.trim(), PROXY_MODE === 'iptables' ? '1' : '0', 'route_localnet is on only where it is needed')
    })

    await t.test('a process that listens on loopback cannot be reached from outside (CVE-2020-8558)', async t => {
      const attacker = await network.addHost()
      // A neighbour without loopback, which sends packets for 127.0.0.1 to the node.
      await attacker.namespace.run('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1'])
      await attacker.namespace.configure('address flush dev lo')
      await attacker.namespace.configure(
        `route add 127.0.0.1/32 via ${attacker.ip.replace(/9$/, '1')} dev eth0 src ${attacker.ip}`,
      )
      const client = new NetworkClient(network, attacker.namespace)
      t.equal(await answers(client, NODE_IP, 30080), 'here there', 'NodePorts are served to it as to any host')
      const program = `require('net').createServer(s => s.end('loopback only')).listen(9999, '127.0.0.1', () => console.log('up'))`
      const server = network.start(network.node, process.execPath, ['-e', program])
      await once(server.stdout!, 'data')
      t.equal(await client.tcpExpectingTimeout('127.0.0.1', 9999), 'no answer')
      if (PROXY_MODE !== 'iptables') {
        await network.node.run('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1'])
        t.equal(await client.tcp('127.0.0.1', 9999), 'loopback only', 'with route_localnet on it could be reached')
        await network.node.run('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=0'])
      } else {
        await network.node.run('iptables', ['-I', 'INPUT', '-d', '127.0.0.1', '-j', 'ACCEPT'])
        t.equal(
          await client.tcp('127.0.0.1', 9999),
          'loopback only',
          'without the rule of the proxy it could be reached',
        )
      }
    })

    await t.test(
      'no client can reach a proxy port directly, even under a permissive policy',
      { skip: skipUnlessMode(['userspace'], 'there are no proxy ports') },
      async t => {
        const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
        const port = Number(/default\/web:tcp.*--to-destination 192\.168\.50\.1:(\d+)/.exec(stdout)![1])
        const saved = (await network.node.run('ip6tables-save', ['-t', 'nat'])).stdout
        const port6 = Number(/default\/web:tcp.*--to-destination \[fd00:50::1\]:(\d+)/.exec(saved)![1])
        const areRefused = async (when: string): Promise<void> => {
          for (const [who, client] of Object.entries(clients)) {
            t.equal(await client.tcp(NODE_IP, port), 'ECONNREFUSED', `${who}, ${when}`)
            t.equal(await client.tcp(NODE_IP6, port6), 'ECONNREFUSED', `${who}, IPv6, ${when}`)
            t.match(
              await client.udp(NODE_IP, Number(/web:udp.*:(\d+)/.exec(stdout)![1])),
              { answer: 'ECONNREFUSED' },
              `${who}, UDP, ${when}`,
            )
          }
        }
        await areRefused('with the rules as written')
        const from = proxy.lines.length
        for (const program of ['iptables', 'ip6tables'])
          await network.node.run(program, ['-I', 'INPUT', '1', '-i', 'cni0', '-j', 'ACCEPT'])
        for (const family of ['IPv4', 'IPv6'])
          await proxy.waitForLine(new RegExp(`Another program had changed the rules.*${family}`), from)
        await areRefused('after another program accepted all packets of Pods')
        for (const program of ['iptables', 'ip6tables'])
          await network.node.run(program, ['-D', 'INPUT', '-i', 'cni0', '-j', 'ACCEPT'])
      },
    )

    await t.test(
      'translated traffic passes on a node whose firewall refuses unknown traffic',
      { skip: skipUnlessMode(['userspace'], "what is forwarded is the network plug-in's to let through") },
      async t => {
        for (const program of ['iptables', 'ip6tables']) {
          await network.node.run(program, [
            '-A',
            'INPUT',
            '-m',
            'conntrack',
            '--ctstate',
            'ESTABLISHED,RELATED',
            '-j',
            'ACCEPT',
          ])
          if (program === 'ip6tables')
            await network.node.run(program, ['-A', 'INPUT', '-p', 'ipv6-icmp', '-j', 'ACCEPT'])
          await network.node.run(program, ['-P', 'INPUT', 'DROP'])
          await network.node.run(program, ['-P', 'FORWARD', 'DROP'])
        }
        for (const [who, client] of Object.entries(clients)) {
          t.equal(await answers(client, '10.96.0.10', 80), 'here there', `ClusterIP from ${who}`)
          t.equal(await answers(client, NODE_IP, 30080), 'here there', `NodePort from ${who}`)
        }
        t.equal(await answers(clients.outside, NODE_IP6, 30080), 'here there', 'IPv6')
        for (const program of ['iptables', 'ip6tables']) {
          await network.node.run(program, ['-P', 'INPUT', 'ACCEPT'])
          await network.node.run(program, ['-P', 'FORWARD', 'ACCEPT'])
        }
      },
    )

    await t.test(
      'with external policy Local external clients get local endpoints, Pods and the node get all',
      async t => {
        await serve(loadBalancer('web', { externalTrafficPolicy: 'Local' }), slice('web', both), both6)
        for (const [ip, port] of [
          [EXTERNAL_IP, 80],
          [LB_IP, 80],
          [NODE_IP, 30080],
        ] as const) {
          t.equal(await settled(clients.outside, ip, port, 'here'), 'here', `${ip} from outside`)
          for (const who of ['a Pod here', 'a Pod of another node', 'the node'] as const) {
            t.equal(await answers(clients[who], ip, port), PODS_WITH_POLICY_LOCAL, `${ip} from ${who}`)
          }
        }
        t.equal(await answers(clients.outside, '10.96.0.10', 80), 'here there', 'the ClusterIP is not affected')
      },
    )

    await t.test(
      'with external policy Local and no local endpoint external clients are dropped, and Pods are served',
      async t => {
        const elsewhere = [endpoint(there.ip, 'another-node')]
        await serve(loadBalancer('web', { externalTrafficPolicy: 'Local' }), slice('web', elsewhere), both6)
        t.equal(await settled(clients['a Pod here'], LB_IP, 80, 'there'), 'there')
        t.equal(await settled(clients['the node'], NODE_IP, 30080, 'there'), 'there')
        const outcomes = await Promise.all(
          [LB_IP, NODE_IP].map((ip, i) =>
            new NetworkClient(network, outside.namespace).tcpExpectingTimeout(ip, i === 0 ? 80 : 30080),
          ),
        )
        t.strictSame(outcomes, ['no answer', 'no answer'])
        const onLoopback = PROXY_MODE === 'ipvs' ? 'ECONNREFUSED' : 'there'
        t.equal(await answers(clients['the node'], '127.0.0.1', 30080), onLoopback, 'on loopback')
        // With endpoints the Service is served again, at the latest after the next sync.
        await serve(loadBalancer('web', { externalTrafficPolicy: 'Local' }), slice('web', both), both6)
        t.equal(await settled(clients.outside, LB_IP, 80, 'here'), 'here')
      },
    )

    await t.test('without endpoints every client is refused at every address', async t => {
      await serve(loadBalancer('web', {}), slice('web', both), both6)
      await serveEndpoints(
        /"Listener updated" servicePort="IPv6\/default\/web:udp\/UDP" endpoints=""/,
        ...[loadBalancer('web', {}), slice('web', []), slice('web', [], 'IPv6')],
      )
      // The kernel sends one ICMP error per client and second, and this client sends many requests per second.
      await network.node.run('sysctl', ['-qw', 'net.ipv4.icmp_ratelimit=0'])
      for (const ip of ['10.96.0.10', 'fd00:96::a'])
        t.equal(await settled(clients.outside, ip, 80, 'ECONNREFUSED'), 'ECONNREFUSED')
      for (const [who, client] of Object.entries(clients)) {
        for (const [ip, port] of [
          ['10.96.0.10', 80],
          [EXTERNAL_IP, 80],
          [LB_IP, 80],
          [NODE_IP, 30080],
        ] as const) {
          t.equal(await client.tcp(ip, port), 'ECONNREFUSED', `${ip} from ${who}`)
          t.match(await client.udp(ip, port), { answer: 'ECONNREFUSED' }, `${ip} from ${who}, UDP`)
        }
        t.equal(await client.tcp('fd00:96::a', 80), 'ECONNREFUSED', `IPv6 from ${who}`)
        t.equal(await client.tcp(NODE_IP6, 30080), 'ECONNREFUSED', `IPv6 NodePort from ${who}`)
      }
      await serveEndpoints(
        /"Listener updated" servicePort="IPv4\/default\/web:udp\/UDP" endpoints="1/,
        ...[loadBalancer('web', {}), slice('web', [endpoint(here.ip)]), slice('web', [], 'IPv6')],
      )
      if (PROXY_MODE !== 'userspace') t.equal(await settled(clients.outside, LB_IP, 80, 'here'), 'here')
      for (const [who, client] of Object.entries(clients)) {
        t.equal(await client.tcp(LB_IP, 80), 'here', `${who} is served as soon as there is an endpoint`)
        t.match(await client.udp('10.96.0.10', 80), { answer: /^here/ }, `${who} is served, UDP`)
      }
    })

    await t.test('source ranges admit their clients and drop others at load-balancer IPs only', async t => {
      const ranges = [`${outside.ip}/32`]
      await serve(loadBalancer('web', { loadBalancerSourceRanges: ranges }), slice('web', both), both6)
      t.equal(await settled(clients.outside, LB_IP, 80, 'here there'), 'here there')
      t.equal(
        await new NetworkClient(network, (await network.addHost()).namespace).tcpExpectingTimeout(LB_IP, 80),
        'no answer',
      )
      t.equal(await answers(clients['a Pod here'], NODE_IP, 30080), 'here there', 'NodePorts are not affected')
      t.equal(await answers(clients['a Pod here'], '10.96.0.10', 80), 'here there', 'ClusterIPs are not affected')
    })

    await t.test(
      'a NodePort that another process holds is served, except on loopback, and reported',
      { skip: skipUnlessMode(['userspace'], 'the kernel holds no ports') },
      async t => {
        const from = proxy.lines.length
        const holder = network.start(network.node, process.execPath, [
          '-e',
          `require('net').createServer(s => s.end('another process')).listen(30081, () => console.log('held'))`,
        ])
        await new Promise(resolve => holder.stdout!.once('data', resolve))
        const service = loadBalancer('web', {})
        service.spec.ports[0]!.nodePort = 30081
        await serve(service, slice('web', both), both6)
        t.match(await proxy.waitForLine(/PROXY_PORT_UNAVAILABLE/, from), /30081/)
        t.equal(await answers(clients.outside, NODE_IP, 30081), 'here there')
        t.equal(await clients['the node'].tcp('127.0.0.1', 30081), 'another process')
        t.equal(await answers(clients.outside, LB_IP, 80), 'here there', 'everything else is served')
        t.match(await clients.outside.udp(NODE_IP, 30080), { answer: /^(here|there) 5$/ })
        holder.kill('SIGKILL')
        await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/web:tcp\/TCP#node-port-30081@127.0.0.1"/, from)
      },
    )

    await t.test('when two Services use one address, the older one is served', async t => {
      const rival = {
        ...loadBalancer('rival', {}),
        metadata: { name: 'rival', creationTimestamp: '2020-01-01T00:00:00Z' },
      }
      const web = { ...loadBalancer('web', {}), metadata: { name: 'web', creationTimestamp: '2021-01-01T00:00:00Z' } }
      const from = proxy.lines.length
      await serve(
        { ...rival, spec: { ...rival.spec, clusterIP: '10.96.0.11', clusterIPs: ['10.96.0.11'] } },
        slice('rival', [endpoint(there.ip)]),
        web,
        slice('web', [endpoint(here.ip)]),
      )
      t.match(await proxy.waitForLine(/Two Services use the same address/, from), /web/)
      t.equal(await settled(clients.outside, LB_IP, 80, 'there'), 'there')
      t.equal(await settled(clients.outside, NODE_IP, 30080, 'there'), 'there')
      t.equal(
        await answers(clients.outside, '10.96.0.10', 80),
        'here',
        'the other addresses of the younger Service are served',
      )
    })

    await t.test('two nodes with one proxy each serve the same Service', async t => {
      await serve(loadBalancer('web', { externalTrafficPolicy: 'Local' }), slice('web', both), both6)
      const args = [
        '--manifests',
        folder.path,
        '--hostname-override',
        'another-node',
        '--cluster-cidr',
        '10.244.0.0/15',
      ]
      const second = new ProxyProcess(network, args, process.env, otherNode.node)
      await second.waitForLine(/Synced rules" family="IPv4"/)
      const local = async (client: NetworkClient, ip: string, port: number) =>
        `${ip}: ${await answers(client, ip, port)}`
      const onOther = new NetworkClient(network, otherNode.node)
      for (const client of [clients['a Pod of another node'], onOther])
        for (const [ip, port, expected] of [
          ['10.96.0.10', 80, 'here there'],
          [LB_IP, 80, PROXY_MODE === 'ipvs' ? 'there' : 'here there'],
          [otherNode.ip, 30080, PROXY_MODE === 'ipvs' ? 'there' : 'here there'],
        ] as const)
          t.equal(await local(client, ip, port), `${ip}: ${expected}`, 'Pods and the node itself get all endpoints')
      // If the client address is kept, a Pod has to be on the node of its slice: otherwise its answer takes another path.
      if (PROXY_MODE === 'userspace')
        t.equal(
          await answers(clients.outside, otherNode.ip, 30080),
          'there',
          'external clients get endpoints of the node to which they connect',
        )
      t.equal(await answers(clients.outside, NODE_IP, 30080), 'here')
      t.equal(await second.stop(), 0)
    })
    t.equal(await proxy.stop(), 0)

    await t.test('with --source-ranges-at-nodeports source ranges apply to NodePorts too', async t => {
      const ranged = new ProxyProcess(network, [
        ...['--manifests', folder.path, '--hostname-override', NODE_NAME, '--source-ranges-at-nodeports'],
      ])
      folder.write(loadBalancer('web', { loadBalancerSourceRanges: [`${outside.ip}/32`] }), slice('web', both), both6)
      await ranged.waitForLine(/Synced rules" family="IPv4"/)
      t.equal(await settled(clients.outside, NODE_IP, 30080, 'here there'), 'here there')
      t.equal(
        await new NetworkClient(network, (await network.addHost()).namespace).tcpExpectingTimeout(NODE_IP, 30080),
        'no answer',
      )
      t.equal(await new NetworkClient(network, network.node).tcpExpectingTimeout(NODE_IP, 30080), 'no answer')
      const outcomes: Readonly<Record<string, string>> = {
        userspace: 'ECONNRESET',
        iptables: 'no answer',
        ipvs: 'ECONNREFUSED',
      }
      const onLoopback = outcomes[PROXY_MODE]
      t.equal(
        await new NetworkClient(network, network.node).tcpExpectingTimeout('127.0.0.1', 30080),
        onLoopback,
        'not on loopback either',
      )
      t.equal(await answers(clients['a Pod here'], '10.96.0.10', 80), 'here there', 'ClusterIPs are not affected')
      t.equal(await ranged.stop(), 0)
    })
  },
)

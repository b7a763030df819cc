import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { type ServedService } from '../support/processes/ipvs-proxier-entry.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { connectedClients } from '../support/pods/connected-clients.js'
import { IpvsProxierProcess } from '../support/processes/ipvs-proxier-process.js'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { NODE_IP, NODE_IP6, NetworkClient, NodeNetwork } from '../support/nodes/node-network.js'

const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
const EXTERNAL_IP = '203.0.113.7'
const LB_IP = '198.51.100.9'
/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 840_000

t.test('The kernel serves in ipvs mode', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, async t => {
  const network = await NodeNetwork.create(t)
  const here = await network.addServer('here')
  const second = await network.addServer('second')
  const other = await network.addNode()
  const thereProcess = network.start(other.pod, process.execPath, [
    fileURLToPath(new URL('../support/pods/pod-server.js', import.meta.url)),
    'there',
  ])
  await once(thereProcess.stdout!, 'data')
  const pod = await network.addPod()
  const outside = await network.addHost()
  const clients = {
    'a Pod': new NetworkClient(network, pod.namespace),
    'the node': new NetworkClient(network, network.node),
    outside: new NetworkClient(network, outside.namespace),
  }
  const ends = {
    here: { ip: here.ip, isLocal: true },
    second: { ip: second.ip, isLocal: true },
    there: { ip: other.podIP },
  }
  const web = (endpoints: ServedService['endpoints'], port: ServedService['port'] = {}): ServedService => ({
    port,
    endpoints,
  })
  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await network.node.run(program, args)).stdout
  const load = async (from: NetworkNamespace, ip: string, count: number): Promise<unknown> => {
    const child = network.start(from, process.execPath, [LOAD_CLIENT, ip, '80', 'sequential', String(count), '2'])
    const [data] = (await once(child.stdout!, 'data')) as [Buffer]
    return (JSON.parse(String(data)) as { outcomes: unknown }).outcomes
  }
  // IPVS servers, sets and rules of other programs.
  await run('ipvsadm', '-A', '-t', '192.0.2.50:80', '-s', 'lc')
  await run('ipvsadm', '-A', '-t', `${NODE_IP}:30099`, '-s', 'lc')
  await run('ipvsadm', '-A', '-t', '10.99.0.1:80', '-s', 'lc')
  await run('ipset', 'create', 'KUBE-ROUTER-THINGS', 'hash:ip')
  // Leftovers of kube-proxy, with a Service that no longer exists.
  await network.node.configure('link add kube-ipvs0 type dummy', 'address add 10.96.0.20/32 dev kube-ipvs0')
  await run('ipvsadm', '-A', '-t', '10.96.0.20:80', '-s', 'rr')
  await run('ipvsadm', '-A', '-t', `${NODE_IP}:30081`, '-s', 'rr')
  await run('ipset', 'create', 'KUBE-NODE-PORT-TCP', 'bitmap:port', 'range', '0-65535')
  await run('ipset', 'add', 'KUBE-NODE-PORT-TCP', '30081')
  await run('ipset', 'create', 'KUBE-CLUSTER-IP', 'hash:ip,port', 'maxelem', '65536')
  await run('ipset', 'add', 'KUBE-CLUSTER-IP', '10.96.0.20,tcp:80')
  await run('iptables', '-t', 'nat', '-N', 'KUBE-SERVICES')
  await run('iptables', ...'-t nat -A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP src,dst -j ACCEPT'.split(' '))
  let node = await IpvsProxierProcess.start(network)

  await t.test('ipvs mode is possible on this machine', async t => {
    t.equal(await node.send({ do: 'probe' }), 'probe')
    t.equal(await run('sysctl', '-n', 'net.ipv4.vs.conntrack'), '1\n')
  })

  await t.test('the proxy takes over what kube-proxy has left, and removes what it does not need', async t => {
    t.strictSame(await node.serve(), { failed: 0, written: 2, stillPending: false })
    t.strictSame(
      (await run('ipvsadm', '-S', '-n')).trim().split('\n').sort(),
      ['-A -t 10.99.0.1:80 -s lc', `-A -t ${NODE_IP}:30099 -s lc`, '-A -t 192.0.2.50:80 -s lc'].sort(),
    )
    t.notMatch(await run('ip', 'address'), /10\.96\.0\.20/)
    t.match(await run('ipset', 'save', 'KUBE-CLUSTER-IP'), /maxelem 1048576 .*\n$/, 'a larger, empty set')
  })

  await t.test('all clients reach a ClusterIP', async t => {
    t.strictSame(await node.serve(web([ends.here])), { failed: 0, written: 0, stillPending: false })
    for (const [name, client] of Object.entries(clients)) t.equal(await client.tcp('10.96.0.10', 80), 'here', name)
    t.strictSame(
      await node.serve(web([ends.there])),
      { failed: 0, written: 0, stillPending: false },
      'no rule is written',
    )
    for (const [name, client] of Object.entries(clients)) t.equal(await client.tcp('10.96.0.10', 80), 'there', name)
    t.strictSame(
      await node.send({ do: 'verify' }),
      [false, false],
      'the kernel contains exactly what the proxy has written',
    )
  })

  await t.test('UDP flows follow the endpoints', async t => {
    const dns = { protocol: 'UDP', port: 53 } as const
    await node.serve(web([{ ...ends.here, port: 5353 }], dns))
    for (const [name, client] of Object.entries(clients)) {
      const { answer, from } = await client.udp('10.96.0.10', 53)
      t.strictSame([answer, from], ['here 5', '10.96.0.10:53'], name)
    }
    await node.serve(web([{ ...ends.second, port: 5353 }], dns))
    t.equal((await clients['a Pod'].udp('10.96.0.10', 53)).answer, 'second 5')
  })

  await t.test('all clients reach NodePorts, external IPs and load-balancer IPs', async t => {
    const port = { nodePort: 30080, externalIPs: [EXTERNAL_IP], loadBalancerIPs: [LB_IP] }
    await node.serve(web([ends.there], port))
    for (const [name, client] of Object.entries(clients)) {
      for (const [ip, at] of [
        [NODE_IP, 30080],
        [EXTERNAL_IP, 80],
        [LB_IP, 80],
      ] as const)
        t.equal(await client.tcp(ip, at), 'there', `${name} to ${ip}`)
    }
    t.equal(await clients['the node'].tcp('127.0.0.1', 30080), 'ECONNREFUSED', 'not on loopback')
  })

  await t.test(
    'policy Local keeps the client address, and drops external clients without a local endpoint',
    async t => {
      const port = { nodePort: 30080, externalIPs: [EXTERNAL_IP], externalPolicyLocal: true }
      await node.serve(web([ends.here, ends.there], port))
      const connection = new PersistentConnection(network, outside.namespace, EXTERNAL_IP, 80)
      t.equal(await connection.send('echo'), 'echo')
      t.strictSame(connectedClients(here.process), [outside.ip])
      t.equal(await clients['the node'].tcp(NODE_IP, 30080), 'here')
      await node.serve(web([ends.there], port))
      t.equal(await clients.outside.tcpExpectingTimeout(EXTERNAL_IP, 80), 'no answer')
      t.equal(await clients['a Pod'].tcp(EXTERNAL_IP, 80), 'there', 'a Pod gets the remote endpoint')
      t.equal(await clients['the node'].tcp(EXTERNAL_IP, 80), 'there', 'the node too')
      await node.serve(web([ends.there], { internalPolicyLocal: true }))
      t.equal(await clients['a Pod'].tcpExpectingTimeout('10.96.0.10', 80), 'no answer')
      t.equal(await clients['the node'].tcpExpectingTimeout('10.96.0.10', 80), 'no answer')
    },
  )

  await t.test('source ranges admit their clients and drop others', async t => {
    const ranges = (...sourceRanges: readonly object[]) =>
      web([ends.here], { loadBalancerIPs: [LB_IP], sourceRanges: sourceRanges as never })
    const range = (network: string, bits: number) => ({ family: 'IPv4', network, bits })
    await node.serve(ranges(range(outside.ip, 32)))
    t.equal(await clients.outside.tcp(LB_IP, 80), 'here')
    t.equal(await clients['a Pod'].tcpExpectingTimeout(LB_IP, 80), 'no answer')
    t.equal(await clients['the node'].tcpExpectingTimeout(LB_IP, 80), 'no answer')
    await node.serve(ranges(range('192.168.50.0', 24)))
    t.equal(await clients.outside.tcpExpectingTimeout(LB_IP, 80), 'no answer')
    t.equal(await clients['the node'].tcp(LB_IP, 80), 'here', 'the node, by its own address')
    await node.serve(ranges(range('0.0.0.0', 0)))
    t.equal(await clients.outside.tcp(LB_IP, 80), 'here', 'everybody')
  })

  await t.test('without endpoints clients are refused, as at every other port of a Service address', async t => {
    await node.serve(web([]))
    for (const [name, client] of Object.entries(clients))
      t.equal(await client.tcp('10.96.0.10', 80), 'ECONNREFUSED', name)
    const server = network.start(network.node, process.execPath, [
      fileURLToPath(new URL('../support/pods/pod-server.js', import.meta.url)),
      'the node itself',
    ])
    await once(server.stdout!, 'data')
    t.equal(await clients.outside.tcp(NODE_IP, 8080), 'the node itself')
    t.equal(await clients.outside.tcp('10.96.0.10', 8080), 'ECONNREFUSED')
    t.equal(await clients['a Pod'].tcp('10.96.0.10', 8080), 'ECONNREFUSED')
    server.kill('SIGKILL')
  })

  await t.test('with session affinity a client stays with its endpoint', async t => {
    const all = [ends.here, ends.second, ends.there]
    await node.serve(web(all, { affinitySeconds: 600 }))
    const answers = new Set<string>()
    for (let count = 0; count < 6; count++) answers.add(await clients['a Pod'].tcp('10.96.0.10', 80))
    t.equal(answers.size, 1, [...answers].join(' '))
    await node.serve(web(all))
    for (let count = 0; count < 6; count++) answers.add(await clients['a Pod'].tcp('10.96.0.10', 80))
    t.equal(answers.size, 3, 'without affinity the endpoints take turns')
  })

  await t.test('a Pod reaches itself through its Service', async t => {
    await network.node.configure(`link set ${here.link} type bridge_slave hairpin on`)
    await node.serve(web([ends.here]))
    const namespace = network.node
    const { stdout } = await namespace.run('nsenter', [
      `--net=/proc/${here.process.pid}/ns/net`,
      process.execPath,
      LOAD_CLIENT,
      ...['10.96.0.10', '80', 'sequential', '1', '1'],
    ])
    t.match(JSON.parse(stdout), { answers: { here: 1 } })
  })

  await t.test('no connection is lost while endpoints change', async t => {
    await node.serve(web([ends.here]))
    let isOver = false
    const loads = Promise.all([load(pod.namespace, '10.96.0.10', 150), load(outside.namespace, '10.96.0.10', 150)])
    void loads.then(() => (isOver = true))
    const turns = [[ends.second], [ends.there, ends.here], [ends.here], [ends.second, ends.there]]
    let changes = 0
    for (; !isOver; changes++) await node.serve(web(turns[changes % turns.length]!))
    t.strictSame(await loads, [{ answered: 150 }, { answered: 150 }])
    t.ok(changes > 4, `${changes} changes`)
  })

  await t.test('a removed endpoint keeps its connections until the last one has ended', async t => {
    const leaving = (...endpoints: ServedService['endpoints']) => web(endpoints, { clusterIP: '10.96.0.12' })
    await node.serve(leaving(ends.here))
    const connection = new PersistentConnection(network, pod.namespace, '10.96.0.12', 80)
    t.equal(await connection.send('echo'), 'echo')
    await node.serve(leaving(ends.second))
    t.equal(await clients['a Pod'].tcp('10.96.0.12', 80), 'second')
    t.equal(await connection.send('still there'), 'still there')
    t.equal(await node.send({ do: 'advance-minute' }), 1, 'the proxy checks it again')
    t.match(await run('ipvsadm', '-Ln'), new RegExp(`${here.ip}:8080 +Masq +0 `))
    await node.serve(leaving(ends.here, ends.second))
    t.match(await run('ipvsadm', '-Ln'), new RegExp(`${here.ip}:8080 +Masq +1 `), 'it is an endpoint again')
    await node.serve(leaving(ends.second))
    t.equal(await connection.send('and still'), 'and still')
    t.equal(await connection.send('reset'), 'closed')
    // The kernel keeps a reset connection for 10 s.
    const end = Date.now() + 60_000
    while ((await node.send({ do: 'advance-minute' })) !== 0 && Date.now() < end)
      await once(AbortSignal.timeout(500), 'abort')
    t.notMatch(await run('ipvsadm', '-Ln'), new RegExp(`${here.ip}:8080`))
  })

  await t.test('a new process continues after the old one was killed', async t => {
    const services = [
      web([ends.here], { nodePort: 30080 }),
      web([ends.there], { name: 'gone', clusterIP: '10.96.0.11' }),
    ]
    await node.serve(...services)
    const connection = new PersistentConnection(network, pod.namespace, '10.96.0.10', 80)
    t.equal(await connection.send('echo'), 'echo')
    node.kill()
    t.equal(await clients.outside.tcp(NODE_IP, 30080), 'here', 'the kernel continues to serve')
    node = await IpvsProxierProcess.start(network)
    t.strictSame(await node.serve(services[0]!), { failed: 0, written: 0, stillPending: false })
    t.equal(await connection.send('still there'), 'still there')
    t.equal(await clients.outside.tcp(NODE_IP, 30080), 'here')
    const servers = await run('ipvsadm', '-Ln')
    t.notMatch(servers, /10\.96\.0\.11/, 'the server of the deleted Service is gone')
    t.notMatch(await run('ip', 'address', 'show', 'dev', 'kube-ipvs0'), /10\.96\.0\.11/)
    t.notMatch(servers, new RegExp(`${here.ip}:8080 +Masq +0 `))
  })

  await t.test('changes by other programs are repaired', async t => {
    await run('ipvsadm', '-D', '-t', '10.96.0.10:80')
    await run('ip', 'link', 'delete', 'kube-ipvs0')
    await run('ipset', 'flush', 'KUBE-CLUSTER-IP')
    await run('iptables', '-t', 'nat', '-F', 'KUBE-SERVICES')
    t.strictSame(await node.send({ do: 'verify' }), [true, false])
    t.strictSame(await node.send({ do: 'verify' }), [false, false])
    t.equal(await clients.outside.tcp('10.96.0.10', 80), 'here')
  })

  await t.test('a check during a Service change applies it and reports no change by another program', async t => {
    await node.send({ do: 'set-desired', services: [web([ends.second])] })
    t.strictSame(await node.send({ do: 'verify' }), [false, false])
    t.equal(await clients.outside.tcp('10.96.0.10', 80), 'second')
  })

  await t.test('a virtual server of another program stays, even at an address of a Service', async t => {
    await node.send({ do: 'warnings' })
    await node.serve(web([ends.here], { nodePort: 30099 }))
    t.match(await run('ipvsadm', '-Ln'), new RegExp(`TCP +${NODE_IP}:30099 lc\n`))
    t.match(
      JSON.stringify(await node.send({ do: 'warnings' })),
      /another program already has a virtual server there.*30099/,
    )
    await run('ipvsadm', '-D', '-t', `${NODE_IP}:30099`)
    await node.send({ do: 'verify' })
    t.equal(await clients.outside.tcp(NODE_IP, 30099), 'here', 'after its removal the Service is served')
  })

  await t.test('a port that the node forwards for another program cannot be reached at a Service address', async t => {
    const publish = `-t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 9000 -j DNAT --to ${second.ip}:8080`
    await run('iptables', ...publish.split(' '))
    t.equal(await clients.outside.tcp(NODE_IP, 9000), 'second')
    t.equal(await clients.outside.tcp('10.96.0.10', 9000), 'ECONNREFUSED')
    await run('iptables', ...publish.replace('-A', '-D').split(' '))
  })

  await t.test('a kernel error for one Service does not delay the others', async t => {
    const other = { name: 'other', clusterIP: '10.96.0.11', internalPolicyLocal: true }
    await node.serve(web([ends.there], other))
    t.equal(await clients['a Pod'].tcpExpectingTimeout('10.96.0.11', 80), 'no answer')
    await node.send({ do: 'warnings' })
    const result = await node.serve(web([{ ip: '224.0.0.1' }]), web([ends.here], other))
    t.strictSame(result, { failed: 0, written: 0, stillPending: false })
    t.match(
      JSON.stringify(await node.send({ do: 'warnings' })),
      /Cannot write one virtual server; its clients may not be served, all others are/,
    )
    t.equal(await clients['a Pod'].tcp('10.96.0.11', 80), 'here')
    t.strictSame(await node.serve(web([ends.here]), web([ends.here], other)), {
      failed: 0,
      written: 0,
      stillPending: false,
    })
    t.equal(await clients['a Pod'].tcp('10.96.0.10', 80), 'here')
  })

  await t.test('SCTP ports have virtual servers too', async t => {
    await node.serve(web([ends.here], { protocol: 'SCTP', nodePort: 30080 }))
    const servers = await run('ipvsadm', '-S', '-n')
    t.match(servers, `-a --sctp-service 10.96.0.10:80 -r ${here.ip}:8080 -m -w 1`)
    t.match(servers, `-a --sctp-service ${NODE_IP}:30080 -r ${here.ip}:8080 -m -w 1`)
  })

  await t.test('IPv6 is served like IPv4', async t => {
    const six = { family: 'IPv6', clusterIP: 'fd00:96::10', nodePort: 30080 } as const
    await node.serve(web([{ ip: here.ip6, isLocal: true }], six))
    for (const [name, client] of Object.entries(clients)) {
      t.equal(await client.tcp('fd00:96::10', 80), 'here', name)
      t.equal(await client.tcp(NODE_IP6, 30080), 'here', `${name}, NodePort`)
    }
    await node.serve(web([], six))
    t.equal(await clients['a Pod'].tcp('fd00:96::10', 80), 'ECONNREFUSED')
  })

  await t.test(
    'after a switch to another mode, virtual servers stay until their open connections have ended',
    async t => {
      const services = [
        web([ends.here, ends.second], { nodePort: 30080 }),
        web([ends.here], { name: 'idle', clusterIP: '10.96.0.11' }),
        web([{ ...ends.here, port: 5353 }], { name: 'dns', protocol: 'UDP', port: 53, clusterIP: '10.96.0.13' }),
      ]
      await node.serve(...services)
      const connection = new PersistentConnection(network, pod.namespace, '10.96.0.10', 80)
      t.equal(await connection.send('echo'), 'echo')
      t.equal((await clients['a Pod'].udp('10.96.0.13', 53)).answer, 'here 5')
      t.strictSame(await node.send({ do: 'drain' }), { draining: { virtualServers: 1 } })
      t.equal(await connection.send('still there'), 'still there')
      const servers = await run('ipvsadm', '-Ln')
      t.match(servers, /10\.96\.0\.10:80/)
      t.notMatch(servers, /10\.96\.0\.11|10\.96\.0\.13/, 'servers without connections are gone')
      t.notMatch(servers, /:8080 +Masq +1 /, 'the remaining servers accept no new connections')
      t.strictSame(
        await run('ip', '-br', 'address', 'show', 'dev', 'kube-ipvs0').then(text => text.match(/10\.\S+/g)),
        ['10.96.0.10/32'],
      )
      t.notMatch(
        await run('conntrack', '-L', '-p', 'udp', '-d', '10.96.0.13'),
        /10\.96\.0\.13/,
        'a UDP flow starts again',
      )
      t.equal(await connection.send('and still'), 'and still')
      t.equal(await connection.send('reset'), 'closed')
      const end = Date.now() + 60_000
      let found: unknown
      while ((found = await node.send({ do: 'drain' })) !== 'all removed' && Date.now() < end)
        await once(AbortSignal.timeout(500), 'abort')
      t.equal(found, 'all removed')
      t.notMatch(await run('ip', 'link'), /kube-ipvs0/)
      t.equal(await node.send({ do: 'drain' }), 'nothing there')
      node.kill()
      node = await IpvsProxierProcess.start(network)
    },
  )

  await t.test('--cleanup leaves nothing of this proxy and everything of other programs', async t => {
    await node.serve(web([ends.here], { nodePort: 30080 }))
    t.equal(await node.send({ do: 'cleanup' }), true)
    t.equal(await node.send({ do: 'cleanup' }), false, 'a second clean-up finds nothing')
    const servers = (await run('ipvsadm', '-S', '-n')).trim().split('\n').sort()
    t.strictSame(servers, ['-A -t 10.99.0.1:80 -s lc', '-A -t 192.0.2.50:80 -s lc'])
    t.equal(await run('ipset', 'list', '-n'), 'KUBE-ROUTER-THINGS\n')
    for (const save of ['iptables-save', 'ip6tables-save']) t.notMatch(await run(save), /KUBE-/)
    t.notMatch(await run('ip', 'link'), /kube-ipvs0/)
    t.strictSame(await node.send({ do: 'warnings' }), [], 'there were no warnings')
  })

  await t.test('the program applies its flags to the kernel', async t => {
    // In the form in which kube-proxy writes it.
    await network.node.configure('link add kube-ipvs0 type dummy', 'address add 10.99.0.2/32 dev kube-ipvs0')
    await run('ipvsadm', '-A', '-t', '10.99.0.2:80', '-s', 'rr')
    const folder = new ManifestFolder(t)
    const affine = makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80, affinity: true })
    folder.write(affine, makeSliceManifest('web', [here.ip], 8080))
    const flags = ['--ipvs-scheduler=wlc', '--ipvs-strict-arp', '--ipvs-exclude-cidrs=10.99.0.0/16']
    const timeouts = ['--ipvs-tcp-timeout=1000s', '--ipvs-tcpfin-timeout=30s', '--ipvs-udp-timeout=40s']
    const args = ['--manifests', folder.path, ...flags, ...timeouts, '--on-exit=cleanup']
    const proxy = new ProxyProcess(network, args, process.env, network.node, 'ipvs')
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await clients['a Pod'].tcp('10.96.0.10', 80), 'here')
    t.match(await run('ipvsadm', '-L', '-n', '--timeout'), /: 1000 30 40/)
    const servers = await run('ipvsadm', '-S', '-n')
    t.match(servers, /^-A -t 10\.96\.0\.10:80 -s wlc -p 10800$/m)
    t.match(servers, /^-A -t 10\.99\.0\.2:80 -s rr$/m, 'an excluded server stays')
    const arp = await run('sysctl', '-n', 'net.ipv4.conf.all.arp_ignore', 'net.ipv4.conf.all.arp_announce')
    t.equal(arp, '1\n2\n')
    t.equal(await proxy.stop(), 0)
    t.notMatch(await run('ipvsadm', '-S', '-n'), /10\.96\.0\.10/)
    t.notMatch(await run('ip', 'link'), /kube-ipvs0/)
  })
})

import { once } from 'node:events'
import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { imbalance } from '../support/checks/imbalance.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { PROXY_WORKERS, ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const

t.test('ClusterIPs from manifests', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  const servers = await Promise.all(['a', 'b', 'c'].map(name => network.addServer(name)))
  const ips = servers.map(({ ip }) => ip)
  const manifests = new ManifestFolder(t)
  const write = (endpoints: readonly string[], affinity = false) =>
    manifests.write(
      makeServiceManifest('web', { ...WEB, affinity }),
      makeSliceManifest('web', endpoints, 8080),
      makeServiceManifest('dns', DNS),
      makeSliceManifest('dns', endpoints, 5353, 'UDP'),
    )
  write(ips)
  const proxy = new ProxyProcess(network, ['--manifests', manifests.path, '--iptables-sync-period=2s'])
  await proxy.waitForLine(/Synced rules" family="IPv4"/)

  const onNode = new NetworkClient(network, network.node)
  const inPod = new NetworkClient(network, (await network.addPod()).namespace)

  for (const [where, client] of [
    ['a Pod', inPod],
    ['the node itself', onNode],
    [
      'a Pod behind an interface without address',
      new NetworkClient(network, (await network.addPod('no-address')).namespace),
    ],
    [
      'a Pod behind an interface with another first address',
      new NetworkClient(network, (await network.addPod('two-addresses')).namespace),
    ],
  ] as const) {
    t.test(`from ${where}`, async t => {
      const seen = []
      for (let i = 0; i < 9; i++) seen.push(await client.tcp(WEB.clusterIP, WEB.port))
      t.ok(
        imbalance(seen, ['a', 'b', 'c']) <= Math.max(1, PROXY_WORKERS),
        `TCP: each endpoint in turn: ${seen.join(' ')}`,
      )
      if (PROXY_WORKERS < 2) t.strictSame(seen.slice(0, 6), seen.slice(3), 'the same order again')
      for (const connected of [true, false]) {
        const { answer, from } = await client.udp(DNS.clusterIP, DNS.port, 5, connected)
        t.match(answer, /^[abc] 5$/)
        t.equal(
          from,
          '10.96.0.53:53',
          `UDP: the reply to a ${connected ? 'connected' : 'plain'} socket comes from the address that was asked`,
        )
      }
      t.match(await client.udp(DNS.clusterIP, DNS.port, 65_507), { answer: /^[abc] 65507$/ })
    })
  }

  t.test('an endpoint change takes effect without an iptables call', async t => {
    const calls = () => proxy.lines.filter(line => line.includes('"Synced rules" family="IPv4" changed=true')).length
    const before = calls()
    const from = proxy.lines.length
    write(ips.slice(1))
    await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP"/, from)
    const seen = []
    for (let i = 0; i < 6; i++) seen.push(await inPod.tcp(WEB.clusterIP, WEB.port))
    t.ok(imbalance(seen, ['b', 'c']) <= Math.max(1, PROXY_WORKERS), seen.join(' '))
    t.equal(calls(), before)
    write(ips)
  })

  t.test(
    'without endpoints all clients are refused; the first endpoint is served without an iptables call',
    async t => {
      const calls = () => proxy.lines.filter(line => line.includes('"Synced rules" family="IPv4" changed=true')).length
      const before = calls()
      let from = proxy.lines.length
      write([])
      await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/dns\/UDP" endpoints=""/, from)
      for (const client of [inPod, onNode]) {
        t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'ECONNREFUSED')
        t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: 'ECONNREFUSED' })
      }
      from = proxy.lines.length
      write(ips)
      await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/dns\/UDP" endpoints="10/, from)
      for (const client of [inPod, onNode]) {
        t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[abc]$/)
        t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[abc] 5$/ })
      }
      t.equal(calls(), before)
    },
  )

  t.test('session affinity works, and ends when the Service turns it off', async t => {
    let from = proxy.lines.length
    write(ips, true)
    await proxy.waitForLine(/"Listener updated" .*default\/web.* affinitySeconds=10800/, from)
    const first = await inPod.tcp(WEB.clusterIP, WEB.port)
    for (let i = 0; i < 5; i++) t.equal(await inPod.tcp(WEB.clusterIP, WEB.port), first)
    from = proxy.lines.length
    write(ips, false)
    await proxy.waitForLine(/"Listener updated" .*default\/web/, from)
    const seen = []
    for (let i = 0; i < 9; i++) seen.push(await inPod.tcp(WEB.clusterIP, WEB.port))
    t.ok(imbalance(seen, ['a', 'b', 'c']) <= Math.max(1, PROXY_WORKERS), seen.join(' '))
  })

  t.test('the proxy restores flushed rules and keeps rules of other programs', async t => {
    await network.node.run('iptables', [
      '-t',
      'nat',
      '-A',
      'PREROUTING',
      '-m',
      'comment',
      '--comment',
      'a "foreign" rule',
      '-j',
      'ACCEPT',
    ])
    // Both at once: a check between the two would repair and report the first before the second is done.
    const input = '*nat\n-F KUBE-PORTALS-CONTAINER\n-D OUTPUT 1\nCOMMIT\n'
    await network.node.run('iptables-restore', ['--noflush'], { input })
    await proxy.waitForLine(/Another program had changed the rules/)
    t.match(await inPod.tcp(WEB.clusterIP, WEB.port), /^[abc]$/)
    t.match(await onNode.tcp(WEB.clusterIP, WEB.port), /^[abc]$/)
    const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
    t.match(stdout, /-A PREROUTING -m comment --comment "a \\"foreign\\" rule" -j ACCEPT/)
    t.equal(stdout.match(/-j KUBE-PORTALS-CONTAINER/g)?.length, 1)
    t.equal(stdout.match(/-j KUBE-PORTALS-HOST/g)?.length, 1)
  })

  t.test('no request fails when a Pod dies while its endpoint is still listed', async t => {
    servers[0]!.process.kill('SIGKILL')
    await once(servers[0]!.process, 'exit')
    for (let i = 0; i < 6; i++) t.match(await inPod.tcp(WEB.clusterIP, WEB.port), /^[bc]$/)
    for (let i = 0; i < 6; i++) t.match(await inPod.udp(DNS.clusterIP, DNS.port), { answer: /^[bc] 5$/ })
  })

  t.test('a deleted Service loses its rules, then its listener', async t => {
    const from = proxy.lines.length
    manifests.write(makeServiceManifest('dns', DNS), makeSliceManifest('dns', ips, 5353, 'UDP'))
    await proxy.waitForLine(/"No longer serving" servicePort="IPv4\/default\/web\/TCP"/, from)
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
    const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
    t.notMatch(stdout, /default\/web/)
    t.match(stdout, /default\/dns/)
    const isListening = async () => {
      const { stdout: sockets } = await network.node.run('cat', ['/proc/net/tcp'])
      return sockets.split('\n').some(line => line.includes('0132A8C0:') && / 0A /.test(line))
    }
    await waitUntil(async () => !(await isListening()), `no process listens on ${NODE_IP}`)
    write(ips)
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, proxy.lines.length)
  })

  t.test('broken manifests change only the log', async t => {
    const from = proxy.lines.length
    const broken = { ...makeServiceManifest('web', WEB), spec: { clusterIP: '10.96.0.10', ports: [{ port: 70000 }] } }
    // Its endpoints are still there: only the object with the mistake keeps its last state.
    manifests.write(broken, makeSliceManifest('web', ips, 8080))
    t.match(
      await proxy.waitForLine(/Mistake in the manifests; its object keeps its last valid state/, from),
      /objects\.json:1: Service \\"default\/web\\": spec\.ports\[0\]\.port: expected a port from 1 to 65535, found 70000/,
    )
    t.match(await inPod.tcp(WEB.clusterIP, WEB.port), /^[bc]$/)
    write(ips)
    await proxy.waitForLine(/Read the manifests again/, from)
  })

  t.test(
    'after SIGTERM open connections continue, new ones are served meanwhile, and the exit code is 0; a restart keeps rules and ports',
    async t => {
      const { stdout: before } = await network.node.run('iptables-save', ['-t', 'nat'])
      const talker = network.start(network.node, process.execPath, [
        '-e',
        `const s = require('net').connect(80, '10.96.0.10', () => s.write('echo\\n')).on('data', d => process.stdout.write(d)); process.stdin.on('data', d => s.write(d)).on('end', () => s.end())`,
      ])
      t.equal(String((await once(talker.stdout!, 'data'))[0]), 'echo\n')
      const stopped = proxy.stop()
      await proxy.waitForLine(/Nothing else serves/)
      t.match(await inPod.tcp(WEB.clusterIP, WEB.port), /^[bc]$/)
      talker.stdin!.write('still here')
      t.equal(String((await once(talker.stdout!, 'data'))[0]), 'still here')
      talker.stdin!.end()
      t.equal(await stopped, 0)

      const second = new ProxyProcess(network, ['--manifests', manifests.path])
      t.match(
        await second.waitForLine(/Synced rules" family="IPv4"/),
        /changed=false/,
        'the next process writes nothing',
      )
      const { stdout: after } = await network.node.run('iptables-save', ['-t', 'nat'])
      const rules = (text: string) => text.split('\n').filter(line => line.startsWith('-A'))
      t.strictSame(rules(after), rules(before))
      t.match(await inPod.tcp(WEB.clusterIP, WEB.port), /^[bc]$/)
      t.match(await inPod.udp(DNS.clusterIP, DNS.port), { answer: /^[bc] 5$/ })
      t.equal(await second.stop(), 0)
    },
  )

  t.test(
    '--cleanup removes the rules of this proxy and leftovers of the original in both families, and nothing else',
    async t => {
      const node = network.node
      await node.run('ip6tables-restore', ['--noflush'], {
        input: '*nat\n:KUBE-PORTALS-HOST - [0:0]\n-A OUTPUT -j KUBE-PORTALS-HOST\nCOMMIT\n',
      })
      const left =
        '*nat\n:KUBE-NODEPORT-CONTAINER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-CONTAINER\nCOMMIT\n' +
        '*filter\n:KUBE-NODEPORT-NON-LOCAL - [0:0]\n-A KUBE-NODEPORT-NON-LOCAL -p tcp -m comment --comment "default/web:http" -m tcp --dport 41000 -j ACCEPT\n-A INPUT -m comment --comment "Ensure that non-local NodePort traffic can flow" -j KUBE-NODEPORT-NON-LOCAL\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n'
      t.equal((await node.run('iptables-restore', ['--noflush'], { input: left })).exitCode, 0)
      const cleaner = new ProxyProcess(network, ['--cleanup'])
      t.equal(((await once(cleaner.child, 'exit')) as [number])[0], 0, cleaner.lines.join('\n'))
      for (const program of ['iptables-save', 'ip6tables-save'])
        t.notMatch((await node.run(program, [])).stdout, /KUBE-/)
      const { stdout } = await node.run('iptables-save', [])
      t.match(stdout, /foreign/)
      t.match(stdout, /-A INPUT -i lo -j ACCEPT/)
    },
  )
})

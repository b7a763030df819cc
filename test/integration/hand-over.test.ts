import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { SteadyLoad } from '../support/pods/steady-load.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
const RATE = 200

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the tests start both modes')

async function setUp(t: Test) {
  const network = await NodeNetwork.create(t)
  const servers = [await network.addServer('a'), await network.addServer('b')]
  const ips = servers.map(({ ip }) => ip)
  const { namespace } = await network.addPod()
  const manifests = new ManifestFolder(t)
  const write = (endpoints: readonly string[]) =>
    manifests.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', endpoints, 8080),
      makeServiceManifest('dns', DNS),
      makeSliceManifest('dns', endpoints, 5353, 'UDP'),
    )
  write(ips)
  const start = async (...flags: string[]) => {
    const args = ['--manifests', manifests.path, '--on-exit=auto', '--iptables-min-sync-period=50ms', ...flags]
    const proxy = new ProxyProcess(network, args)
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    return proxy
  }
  const probe = async (path: string) => {
    const program = `fetch('http://127.0.0.1:10256${path}').then(r => console.log(r.status))`
    return Number((await network.node.run(process.execPath, ['-e', program])).stdout)
  }
  /** New connections from a Pod to the ClusterIP, and from the node to the node port. */
  const startLoads = () => [
    new SteadyLoad(network, namespace, WEB.clusterIP, WEB.port, RATE / 2),
    new SteadyLoad(network, network.node, NODE_IP, WEB.nodePort, RATE / 2),
  ]
  const client = new NetworkClient(network, namespace)
  const connect = async () => {
    const connection = new PersistentConnection(network, namespace, WEB.clusterIP, WEB.port)
    t.equal(await connection.send('echo'), 'echo')
    return connection
  }
  const run = (program: string) => network.node.run(process.execPath, ['-e', program])
  return { start, probe, client, connect, startLoads, write, ips, run }
}

async function checkLoads(t: Test, loads: readonly SteadyLoad[]): Promise<void> {
  for (const { answered, lost } of await Promise.all(loads.map(load => load.stop()))) {
    t.strictSame(lost, {}, `none was lost, ${answered} were answered`)
    t.ok(answered > 0)
  }
}

t.test('a second copy takes over; when it ends, the first serves again; no client is refused', { skip }, async t => {
  for (const [name, ...flags] of [['in the same mode'], ['in another mode', '--proxy-mode=iptables']] as const)
    await t.test(name, async t => {
      const { start, probe, client, connect, startLoads, write, ips } = await setUp(t)
      const first = await start()
      const early = await connect()
      const loads = startLoads()
      const second = await start('-v=4', ...flags)
      await first.waitForLine(/"Another kube-proxy takes over: giving way"/)
      t.equal(await early.send('through the first'), 'through the first')
      t.strictSame(await Promise.all(['/healthz', '/readyz', '/livez'].map(probe)), [200, 200, 200])
      t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
      const from = second.lines.length
      write(ips.slice(1))
      await second.waitForLine(/"(Listener updated|Synced rules)"/, from)
      // Long enough for checks of the rules in both, if the first one still made any. In iptables mode they are too rare.
      const checks = flags.length === 0 ? 2 : 0
      for (let check = 0, last = second.lines.length; check < checks; check++, last = second.lines.length)
        await second.waitForLine(/Synced rules" family="IPv4" changed=false/, last)
      t.notOk(
        [...first.lines, ...second.lines].some(line => /Another program had changed the rules/.test(line)),
        'neither takes the rules of the other for damage',
      )

      t.notOk(
        second.lines.some(line => /^[EW].*(bind|PORT_UNAVAILABLE|EADDRINUSE)/.test(line)),
        'ports are not asked for before they are free',
      )

      const resumedFrom = first.lines.length
      t.equal(await second.stop(), 0)
      await first.waitForLine(/"The kube-proxy that took over has ended: serving again"/, resumedFrom)
      await first.waitForLine(/Synced rules" family="IPv4"/, resumedFrom)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b', 'it knows what has changed meanwhile')
      t.equal(await early.send('still through the first'), 'still through the first')
      await checkLoads(t, loads)
      first.child.kill('SIGTERM')
      await first.waitForLine(/"Draining/, resumedFrom)
      t.equal(await first.stop(), 0)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b', 'the kernel serves')
    })
})

t.test('a surge update: the first one ends after the second one has taken over', { skip }, async t => {
  const { start, client, connect, startLoads, probe } = await setUp(t)
  const first = await start()
  const early = await connect()
  const loads = startLoads()
  const second = await start()
  const stopped = first.stop()
  t.equal(await early.send('still here'), 'still here')
  const late = await connect()
  early.end()
  t.equal(await stopped, 0, 'it ends with its last connection')
  t.equal(await late.send('through the second'), 'through the second')
  t.strictSame(await Promise.all(['/healthz', '/readyz', '/livez'].map(probe)), [200, 200, 200])
  await checkLoads(t, loads)
  t.notOk(first.lines.some(line => /The kernel serves|serving again/.test(line)))
  late.end()
  t.equal(await second.stop(), 0)
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
})

t.test('a copy that was killed is followed by the one it had taken over from', { skip }, async t => {
  const { start, client } = await setUp(t)
  const first = await start()
  const second = await start()
  const from = first.lines.length
  const gone = once(second.child, 'exit')
  second.child.kill('SIGKILL')
  await gone
  await first.waitForLine(/Synced rules" family="IPv4"/, from)
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.match(await client.tcp(NODE_IP, WEB.nodePort), /^[ab]$/)
  t.equal(await first.stop(), 0)
})

t.test('a process that may not write rules cannot take over', { skip }, async t => {
  const { start, client, run } = await setUp(t)
  const proxy = await start()
  await run(`for (let i = 0; i < 20; i++) {
    const s = require('net').connect('\\0kube-proxy-node/hand-over')
    s.on('error', () => undefined).on('connect', () => i % 2 ? s.destroy() : s.end('shown'))
  }
  setTimeout(() => process.exit(), 200)`)
  const { stdout } = await run(
    `const s = require('net').connect('\\0kube-proxy-node/hand-over', () => s.write('shown\\n'))
    let all = ''
    s.on('data', d => all += d).on('close', () => process.stdout.write(all))`,
  )
  t.match(stdout, /^show [0-9a-f]{12}\nrefused\n$/)
  t.notOk(proxy.lines.some(line => /giving way/.test(line)))
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.equal(await proxy.stop(), 0)
})

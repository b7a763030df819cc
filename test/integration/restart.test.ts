import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { SteadyLoad } from '../support/pods/steady-load.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
const RATE = 200

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes the kernel serves anyway')

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
  const start = async (flags: readonly string[] = [], env = process.env) => {
    const proxy = new ProxyProcess(network, ['--manifests', manifests.path, '--on-exit=auto', ...flags], env)
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
  const connect = () => new PersistentConnection(network, namespace, WEB.clusterIP, WEB.port)
  return { network, start, probe, client, connect, startLoads, write, ips }
}

async function checkLoads(t: Test, loads: readonly SteadyLoad[]): Promise<void> {
  for (const { answered, lost } of await Promise.all(loads.map(load => load.stop()))) {
    t.strictSame(lost, {}, `none was lost, ${answered} were answered`)
    t.ok(answered > 0)
  }
}

t.test('a restart with the defaults refuses no new client, and open connections continue', { skip }, async t => {
  const { start, probe, client, connect, startLoads } = await setUp(t)
  const first = await start()
  const idle = connect()
  t.equal(await idle.send('echo'), 'echo')
  t.strictSame(await Promise.all(['/healthz', '/readyz', '/livez'].map(probe)), [200, 200, 200])
  const loads = startLoads()
  const stopped = first.stop()
  await first.waitForLine(/Draining/)
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
  t.strictSame(await Promise.all(['/healthz', '/readyz', '/livez'].map(probe)), [503, 503, 200])
  t.equal(await idle.send('still here'), 'still here')
  first.child.kill('SIGTERM')
  t.equal(await stopped, 0)
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/, 'no proxy runs')
  const second = await start()
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  await checkLoads(t, loads)
  t.equal(await second.stop(), 0)
})

t.test('where nothing takes over, a proxy serves new clients while it drains', { skip }, async t => {
  for (const [condition, flags, mayUseKernel] of [
    ['--on-exit=keep', ['--on-exit=keep'], true],
    ['--on-exit=cleanup', ['--on-exit=cleanup'], true],
    ['without what the rules of iptables mode need', [], false],
  ] as const)
    await t.test(condition, async t => {
      const { network, start, probe, client, connect, startLoads, write, ips } = await setUp(t)
      const { stdout } = await network.node.run('iptables', ['--version'])
      const restore = `/usr/sbin/iptables-${stdout.includes('nf_tables') ? 'nft' : 'legacy'}-restore`
      // Userspace mode does not use this match.
      const faulty = new FaultyProgram(t, restore, 's/--mode random/--mode unknown/')
      const proxy = await start(flags, mayUseKernel ? process.env : faulty.env)
      const loads = startLoads()
      const idle = connect()
      t.equal(await idle.send('echo'), 'echo')
      const stopped = proxy.stop()
      await proxy.waitForLine(/"Nothing else serves: accepting new connections/)
      t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
      t.strictSame(await Promise.all(['/healthz', '/readyz', '/livez'].map(probe)), [503, 503, 200])
      if (mayUseKernel) {
        const from = proxy.lines.length
        write(ips.slice(1))
        await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP"/, from)
        for (let i = 0; i < 4; i++) t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b', 'it follows the endpoints')
      } else t.ok(proxy.lines.some(line => /"The kernel cannot serve while the proxy is down/.test(line)))
      await checkLoads(t, loads)
      t.equal(await idle.send('still here'), 'still here')
      idle.end()
      t.equal(await stopped, 0)
      t.match(proxy.lines.at(-1), /Drained|Cleaned up/, 'it ended with its last connection')
    })
})

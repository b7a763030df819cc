import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { runProgram } from '../support/processes/run-program.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
const REQUESTS_PER_SECOND = 200 / TIMEOUT_FACTOR

/** A sequence of modes in which each mode follows each other one. */
const MODE_SEQUENCE: readonly string[] = ipvsUnavailable
  ? ['userspace', 'iptables', 'userspace']
  : ['userspace', 'iptables', 'ipvs', 'userspace', 'ipvs', 'iptables', 'userspace']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'this test changes modes itself')

t.test('Changing the mode under load', { skip, timeout: 120_000 * TIMEOUT_FACTOR }, async t => {
  const network = await NodeNetwork.create(t)
  const servers = [await network.addServer('a'), await network.addServer('b')]
  const pod = await network.addPod()
  const client = new NetworkClient(network, pod.namespace)
  const folder = new ManifestFolder(t)
  const ips = servers.map(({ ip }) => ip)
  folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', ips, 8080))

  const start = async (mode: string) => {
    const args = [
      '--manifests',
      folder.path,
      `--on-exit=${mode === 'userspace' ? 'kernel' : 'keep'}`,
      '--drain-timeout=10m',
      '--iptables-min-sync-period=50ms',
    ]
    const proxy = new ProxyProcess(network, args, process.env, network.node, mode)
    for (const family of ['IPv4', 'IPv6']) await proxy.waitForLine(new RegExp(`Synced rules" family="${family}"`))
    return proxy
  }
  /** Opens connections from the Pod until it is stopped; then returns the number of each outcome. */
  const load = () => {
    const args = [LOAD_CLIENT, WEB.clusterIP, String(WEB.port), 'steady', String(REQUESTS_PER_SECOND)]
    const child = network.start(pod.namespace, process.execPath, args)
    const resultLine = once(createInterface({ input: child.stdout! }), 'line')
    return async () => {
      child.stdin!.end()
      return (JSON.parse(String((await resultLine)[0])) as { outcomes: Record<string, number> }).outcomes
    }
  }

  let proxy = await start(MODE_SEQUENCE[0]!)
  for (const [index, to] of MODE_SEQUENCE.slice(1).entries()) {
    const from = MODE_SEQUENCE[index]!
    await t.test(`from ${from} to ${to} no request is lost, and an open connection continues`, async t => {
      const open = new PersistentConnection(network, pod.namespace, WEB.clusterIP, WEB.port)
      t.equal(await open.send('echo'), 'echo')
      const endLoad = load()
      t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
      const ended = once(proxy.child, 'exit')
      const before = proxy
      before.child.kill('SIGTERM')
      // In userspace mode the process lives until its last connection ends; the next process does not wait for that.
      await (from === 'userspace' ? before.waitForLine(/The kernel serves from now on/) : ended)
      t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/, 'served while no proxy runs')
      proxy = await start(to)
      // After userspace mode has ended, the kernel serves with rules of iptables mode.
      if (from !== 'userspace' || to !== 'iptables')
        await proxy.waitForLine(/Removed the rules of another mode" family="IPv4"/)
      for (let i = 0; i < 5; i++) t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
      t.equal(await open.send('still there'), 'still there')
      const { answered, ...others } = await endLoad()
      t.same(others, {}, `${answered} answered`)
      t.ok(answered! > 0)
      if (from === 'ipvs') {
        await proxy.waitForLine(/Leftovers of another mode stay until their last connection has closed/)
        t.equal(await open.send('and still'), 'and still')
      }
      t.equal(await open.send('reset'), 'closed')
      t.strictSame(await ended, [0, null])
    })
  }
  t.equal(await proxy.stop(), 0)

  await t.test('at the end --cleanup leaves nothing of any mode', async t => {
    const inNode = ['nsenter', `--net=/run/netns/${network.node.name}`]
    t.match(await runProgram(['--cleanup'], { through: inNode }), { exitCode: 0 })
    // KUBE-FIREWALL belongs to the kubelet too.
    for (const [program, ...args] of [['iptables-save'], ['ip6tables-save'], ['ip', 'link'], ['ipset', 'list', '-n']])
      t.notMatch((await network.node.run(program!, args)).stdout.replaceAll('KUBE-FIREWALL', ''), /kube-/i)
  })
})

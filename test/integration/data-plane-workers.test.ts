import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { isRunning, workersOf } from '../support/processes/children-of.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
const FLAGS = ['--data-plane-workers=2', '--iptables-sync-period=2s']

/** Sends SIGTERM to a process, which may have exited already. */
function sendSigterm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A client process with an open connection to an echo server. */
class EchoClient {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(network: NodeNetwork, ip: string, port: number): Promise<EchoClient> {
    const program = `const s = require('net').connect(${port}, '${ip}', () => s.write('echo\\n')).on('data', d => process.stdout.write(d)).on('error', () => undefined).on('close', () => process.exit()); process.stdin.on('data', d => s.write(d)).on('end', () => s.end())`
    const child = network.start(network.node, process.execPath, ['-e', program])
    await once(child.stdout!, 'data')
    return new EchoClient(child)
  }

  async send(text: string): Promise<string> {
    this.#child.stdin!.write(text)
    return String((await once(this.#child.stdout!, 'data'))[0])
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin!.end()
    await ended
  }
}

async function setUp(t: Test) {
  const network = await NodeNetwork.create(t)
  const servers = await Promise.all(['a', 'b'].map(name => network.addServer(name)))
  const ips = servers.map(({ ip }) => ip)
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
    const proxy = new ProxyProcess(network, ['--manifests', manifests.path, ...FLAGS, ...flags])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    return proxy
  }
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  const rules = async () =>
    (await network.node.run('iptables-save', ['-t', 'nat'])).stdout.split('\n').filter(line => line.startsWith('-A'))
  return { network, ips, manifests, write, start, client, rules }
}

t.test('a killed worker is replaced, and no client is refused', { skip: namespacesUnavailable }, async t => {
  const { start, client, write, ips } = await setUp(t)
  const proxy = await start()
  for (let round = 0; round < 2; round++) {
    const [victim] = workersOf(proxy.child.pid!)
    const from = proxy.lines.length
    process.kill(victim!, 'SIGKILL')
    for (let i = 0; i < 6; i++) t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
    t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
    t.match(
      await proxy.waitForLine(/"A data-plane worker exited; its connections are lost"/, from),
      /code="WORKER_FAILED"/,
    )
    await waitUntil(() => workersOf(proxy.child.pid!).length === 2, 'two workers run again')
  }
  const from = proxy.lines.length
  write(ips.slice(1))
  await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP"/, from)
  for (let i = 0; i < 6; i++) t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b')
  t.equal(await proxy.stop(), 0)
})

t.test('Services that are endpoints of each other do not form a loop', { skip: namespacesUnavailable }, async t => {
  const { start, client, manifests, ips } = await setUp(t)
  const to = (name: string, ip: string, protocol: 'TCP' | 'UDP', port: number) =>
    makeSliceManifest(name, [ip], port, protocol)
  manifests.write(
    makeServiceManifest('web', WEB),
    makeSliceManifest('web', ips, 8080),
    // Several, so that some go from one worker to another.
    ...Array.from({ length: 6 }, (_, n) => [
      makeServiceManifest(`udp-${n}`, { clusterIP: `10.96.1.${n}`, port: 53, protocol: 'UDP' }),
      to(`udp-${n}`, `10.96.1.${n ^ 1}`, 'UDP', 53),
      makeServiceManifest(`tcp-${n}`, { clusterIP: `10.96.2.${n}`, port: 80, affinity: true }),
      to(`tcp-${n}`, `10.96.2.${n ^ 1}`, 'TCP', 80),
    ]).flat(),
  )
  const proxy = await start()
  await proxy.waitForLine(/"An endpoint that is an address of a Service itself is left out"/)
  for (let n = 0; n < 6; n++) {
    t.match(await client.udp(`10.96.1.${n}`, 53), { answer: 'ECONNREFUSED' })
    t.equal(await client.tcp(`10.96.2.${n}`, 80), 'ECONNREFUSED')
  }
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.equal(await proxy.stop(), 0)
})

t.test('when the control process is killed', { skip: namespacesUnavailable }, async t => {
  const { network, start, client, rules } = await setUp(t)
  const proxy = await start()
  const workers = workersOf(proxy.child.pid!)
  t.equal(workers.length, 2)
  const talker = await EchoClient.start(network, WEB.clusterIP, WEB.port)
  const before = await rules()
  const gone = once(proxy.child, 'exit')
  proxy.child.kill('SIGKILL')
  await gone

  await t.test('open and new connections work', async t => {
    t.equal(await talker.send('still here'), 'still here')
    for (let i = 0; i < 4; i++) t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
    t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
    t.ok(workers.every(isRunning))
  })

  await t.test('the next control process takes over the same ports, and open connections continue', async t => {
    const second = await start()
    t.match(
      second.lines.find(line => line.includes('Taking over from data-plane workers')),
      /workers=2/,
    )
    t.strictSame(await rules(), before, 'NodePorts too')
    t.equal(await talker.send('and still'), 'and still')
    t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
    t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
    await talker.end()
    await waitUntil(() => !workers.some(isRunning), 'the old workers have exited after their last connection')
    t.equal(await second.stop(), 0)
  })
})

t.test('a worker that is stopped when the control process is killed', { skip: namespacesUnavailable }, async t => {
  const { network, start, client, rules } = await setUp(t)
  const proxy = await start()
  const workers = workersOf(proxy.child.pid!)
  const before = await rules()
  // A title is only a name: programs of others may have the same one.
  const program = `process.title = 'kube-proxy worker, orphan'; require('net').createServer().listen(30099, () => console.log('ready'))`
  const namesake = network.start(network.node, process.execPath, ['-e', program])
  await once(namesake.stdout!, 'data')
  for (const pid of workers) process.kill(pid, 'SIGSTOP')
  const gone = once(proxy.child, 'exit')
  proxy.child.kill('SIGKILL')
  await gone

  const second = await start()
  t.equal(second.lines.filter(line => /Killing a data-plane worker of an earlier process.* pid=/.test(line)).length, 2)
  await waitUntil(() => !workers.some(isRunning), 'they have exited')
  t.strictSame(await rules(), before, 'the same ports, the NodePort too')
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^[ab] 5$/ })
  t.notOk(second.lines.some(line => line.includes('EADDRINUSE')))
  t.ok(isRunning(namesake.pid!), 'a program with the same title lives')
  t.equal(await second.stop(), 0)
})

t.test('--cleanup stops the workers that a killed proxy has left', { skip: namespacesUnavailable }, async t => {
  const { network, start } = await setUp(t)
  const proxy = await start()
  const workers = workersOf(proxy.child.pid!)
  const gone = once(proxy.child, 'exit')
  proxy.child.kill('SIGKILL')
  await gone
  await waitUntil(() => workers.every(pid => title(pid).endsWith('orphan')), 'they know')
  const cleaner = new ProxyProcess(network, ['--cleanup'])
  t.equal(((await once(cleaner.child, 'exit')) as [number])[0], 0, cleaner.lines.join('\n'))
  await waitUntil(() => !workers.some(isRunning), 'they have exited')
})

function title(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!
}

t.test(
  'a signal to the whole process group drains connections; a second one closes them',
  { skip: namespacesUnavailable },
  async t => {
    const { network, start, client } = await setUp(t)
    const proxy = await start()
    const workers = workersOf(proxy.child.pid!)
    const talker = await EchoClient.start(network, WEB.clusterIP, WEB.port)
    const exited = once(proxy.child, 'exit')
    const signalAll = () => [...workers, proxy.child.pid!].forEach(sendSigterm)
    signalAll()
    await proxy.waitForLine(/Nothing else serves/)
    t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/, 'new ones are served')
    t.equal(await talker.send('still here'), 'still here')
    signalAll()
    t.equal(((await exited) as [number])[0], 0)
    await waitUntil(() => !workers.some(isRunning), 'workers have exited too')
  },
)

t.test('the next process can run without workers', { skip: namespacesUnavailable }, async t => {
  const { start, client, rules } = await setUp(t)
  const proxy = await start()
  const before = await rules()
  const gone = once(proxy.child, 'exit')
  proxy.child.kill('SIGKILL')
  await gone
  const second = await start('--data-plane-workers=0')
  t.strictSame(await rules(), before)
  t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  t.strictSame(workersOf(second.child.pid!), [])
  t.equal(await second.stop(), 0)
})

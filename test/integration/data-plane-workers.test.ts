import { ProgramLog } from '../../lib/demo/program-log.js'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { isRunning, workersOf } from '../support/processes/children-of.js'
import { PROXY_PROGRAM, ProxyProcess } from '../support/processes/proxy-process.js'

const FLAGS = ['--data-plane-workers=2', '--iptables-sync-period=2s']

/** Sends SIGTERM to a process, which may have exited already. */
function sendSigterm(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

t.test('a killed worker is replaced, and no client is refused', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, ips, web, dns } = node
  const proxy = await node.start()
  for (let round = 0; round < 2; round++) {
    const [victim] = workersOf(proxy.child.pid!)
    const from = proxy.lines.length
    process.kill(victim!, 'SIGKILL')
    for (let i = 0; i < 6; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
    t.match(
      await proxy.waitForLine(/"A data-plane worker exited; its connections are lost"/, from),
      /code="WORKER_FAILED"/,
    )
    await waitUntil(() => workersOf(proxy.child.pid!).length === 2, 'two workers run again')
  }
  const from = proxy.lines.length
  node.write(ips.slice(1))
  await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP"/, from)
  for (let i = 0; i < 6; i++) t.equal(await client.tcp(web.clusterIP, web.port), 'b')
  t.equal(await proxy.stop(), 0)
})

t.test('Services that are endpoints of each other do not form a loop', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, ips, web } = node
  const to = (name: string, ip: string, protocol: 'TCP' | 'UDP', port: number) =>
    makeSliceManifest(name, [ip], port, protocol)
  node.write(
    ips,
    // Several, so that some go from one worker to another.
    ...Array.from({ length: 6 }, (_, n) => [
      makeServiceManifest(`udp-${n}`, { clusterIP: `10.96.1.${n}`, port: 53, protocol: 'UDP' }),
      to(`udp-${n}`, `10.96.1.${n ^ 1}`, 'UDP', 53),
      makeServiceManifest(`tcp-${n}`, { clusterIP: `10.96.2.${n}`, port: 80, affinity: true }),
      to(`tcp-${n}`, `10.96.2.${n ^ 1}`, 'TCP', 80),
    ]).flat(),
  )
  const proxy = await node.start()
  await proxy.waitForLine(/"An endpoint that is an address of a Service itself is left out"/)
  for (let n = 0; n < 6; n++) {
    t.match(await client.udp(`10.96.1.${n}`, 53), { answer: 'ECONNREFUSED' })
    t.equal(await client.tcp(`10.96.2.${n}`, 80), 'ECONNREFUSED')
  }
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  t.equal(await proxy.stop(), 0)
})

t.test('when the control process is killed', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web, dns } = node
  const proxy = await node.start()
  const workers = workersOf(proxy.child.pid!)
  t.equal(workers.length, 2)
  const talker = await node.connect()
  const loads = await node.startLoads()
  await node.kill(proxy)

  await t.test('open and new connections work', async t => {
    t.equal(await talker.send('still here'), 'still here')
    for (let i = 0; i < 4; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
    t.ok(workers.every(isRunning))
  })

  await t.test('the next control process takes over, no client is refused, and open connections continue', async t => {
    const second = await node.start()
    t.match(
      second.lines.find(line => line.includes('Taking over from data-plane workers')),
      /workers=2/,
    )
    await second.waitForLine(/"Draining the data-plane workers of an earlier process" workers=2/)
    t.equal(await talker.send('and still'), 'and still')
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
    await node.checkLoads(t, loads)
    talker.end()
    await waitUntil(() => !workers.some(isRunning), 'the old workers have exited after their last connection')
    t.strictSame(findProblems(second.lines), [])
    t.match(await client.tcp(node.nodeIP, web.nodePort), /^[ab]$/)
    t.equal(await second.stop(), 0)
  })
})

t.test(
  'workers of a killed proxy serve until the rules of the next one are written',
  { skip: namespacesUnavailable },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const restore = new HeldProgram(t, await node.restoreProgram(), 'KUBE-PORTALS')
    const proxy = await node.start()
    const workers = workersOf(proxy.child.pid!)
    const loads = await node.startLoads()
    await node.kill(proxy)
    const second = node.launch([], restore.env)
    await second.waitForLine(/"Taking over from data-plane workers/)
    for (let i = 0; i < 4; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.ok(workers.every(isRunning))
    restore.release()
    await second.waitForLine(/"Draining the data-plane workers of an earlier process"/)
    await node.checkLoads(t, loads)
    await waitUntil(() => !workers.some(isRunning), 'they have exited')
    t.equal(await second.stop(), 0)
  },
)

t.test(
  'with too few proxy ports for both, the next control process takes those of the workers',
  { skip: namespacesUnavailable },
  async t => {
    // Two listeners and a NodePort.
    const node = await ServiceNode.create(t, [...FLAGS, '--proxy-port-range=41000-41004'])
    const { client, web, dns } = node
    const proxy = await node.start()
    const workers = workersOf(proxy.child.pid!)
    await node.kill(proxy)
    const second = await node.start()
    await waitUntil(() => !workers.some(isRunning), 'they have exited')
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.match(await client.tcp(node.nodeIP, web.nodePort), /^[ab]$/)
    t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
    t.strictSame(findProblems(second.lines), [])
    t.equal(await second.stop(), 0)
  },
)

t.test('a proxy in iptables mode ends the workers of a killed proxy', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web } = node
  const proxy = await node.start()
  const workers = workersOf(proxy.child.pid!)
  const talker = await node.connect()
  const loads = await node.startLoads()
  await node.kill(proxy)
  const second = await node.start(['--proxy-mode=iptables'])
  await second.waitForLine(/"Draining the data-plane workers of an earlier process" workers=2/)
  t.equal(await talker.send('still here'), 'still here')
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  await node.checkLoads(t, loads)
  talker.end()
  await waitUntil(() => !workers.some(isRunning), 'they have exited')
  t.equal(await second.stop(), 0)
})

t.test('a worker that is stopped when the control process is killed', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web, dns } = node
  const proxy = await node.start()
  const workers = workersOf(proxy.child.pid!)
  const before = await node.rules()
  // A title is only a name: programs of others may have the same one.
  const program = `process.title = 'kube-proxy worker, orphan'; require('net').createServer().listen(30099, () => console.log('ready'))`
  const namesake = node.network.start(node.network.node, process.execPath, ['-e', program])
  await once(namesake.stdout!, 'data')
  for (const pid of workers) process.kill(pid, 'SIGSTOP')
  await node.kill(proxy)

  const second = await node.start()
  t.equal(second.lines.filter(line => /Killing a data-plane worker of an earlier process.* pid=/.test(line)).length, 2)
  await waitUntil(() => !workers.some(isRunning), 'they have exited')
  t.strictSame(await node.rules(), before, 'the same ports, the NodePort too')
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
  t.notOk(second.lines.some(line => line.includes('EADDRINUSE')))
  t.ok(isRunning(namesake.pid!), 'a program with the same title lives')
  t.equal(await second.stop(), 0)
})

/** What may follow a killed proxy besides a proxy with workers, and a function that starts it. */
const SUCCESSORS: readonly (readonly [string, (node: ServiceNode) => Promise<ProxyProcess>])[] = [
  ['a proxy in iptables mode', node => node.start(['--proxy-mode=iptables'])],
  ['a proxy without workers', node => node.start(['--data-plane-workers=0'])],
  [
    '--cleanup',
    async node => {
      const cleaner = new ProxyProcess(node.network, ['--cleanup'])
      // By then all of its lines are there.
      await once(cleaner.child, 'close')
      return cleaner
    },
  ],
]
for (const [successor, start] of SUCCESSORS)
  t.test(
    `${successor} kills a worker of a killed proxy that is stopped, and ends the other one`,
    { skip: namespacesUnavailable },
    async t => {
      const node = await ServiceNode.create(t, FLAGS)
      const { client, web, dns } = node
      const proxy = await node.start()
      const workers = workersOf(proxy.child.pid!)
      const [stopped] = workers
      process.kill(stopped!, 'SIGSTOP')
      await node.kill(proxy)
      const second = await start(node)
      await waitUntil(() => !workers.some(isRunning), 'they have exited')
      const killed = second.lines.filter(line => line.includes('Killing a data-plane worker of an earlier process'))
      t.equal(killed.length, 1)
      t.match(killed[0], new RegExp(` pid=${stopped} `))
      if (successor === '--cleanup') return void t.equal(second.child.exitCode, 0)
      t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
      t.match(await client.tcp(node.nodeIP, web.nodePort), /^[ab]$/)
      t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
      t.notOk(second.lines.some(line => line.includes('EADDRINUSE')))
      t.equal(await second.stop(), 0)
    },
  )

t.test('--cleanup stops the workers that a killed proxy has left', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const proxy = await node.start()
  const workers = workersOf(proxy.child.pid!)
  await node.kill(proxy)
  await waitUntil(() => workers.every(pid => title(pid).endsWith('orphan')), 'they know')
  const cleaner = new ProxyProcess(node.network, ['--cleanup'])
  t.equal(((await once(cleaner.child, 'exit')) as [number])[0], 0, cleaner.lines.join('\n'))
  await waitUntil(() => !workers.some(isRunning), 'they have exited')
})

/** Warnings and errors, without one that every process without the capability for it logs. */
function findProblems(lines: readonly string[]): string[] {
  return lines.filter(line => /^[EW]/.test(line) && !line.includes('oom_score_adj'))
}

function title(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!
}

t.test(
  'a signal to the whole process group drains connections; a second one closes them',
  { skip: namespacesUnavailable },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const proxy = await node.start()
    const workers = workersOf(proxy.child.pid!)
    const talker = await node.connect()
    const exited = once(proxy.child, 'exit')
    const signalAll = () => [...workers, proxy.child.pid!].forEach(sendSigterm)
    signalAll()
    await proxy.waitForLine(/Nothing else serves/)
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/, 'new ones are served')
    t.equal(await talker.send('still here'), 'still here')
    signalAll()
    t.equal(((await exited) as [number])[0], 0)
    await waitUntil(() => !workers.some(isRunning), 'workers have exited too')
  },
)

t.test('the next process can run without workers', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web } = node
  const proxy = await node.start()
  const loads = await node.startLoads()
  await node.kill(proxy)
  const second = await node.start(['--data-plane-workers=0'])
  await second.waitForLine(/"Draining the data-plane workers of an earlier process" workers=2/)
  await node.checkLoads(t, loads)
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  t.strictSame(workersOf(second.child.pid!), [])
  t.equal(await second.stop(), 0)
})

t.test('while no worker starts, rules stay, and the proxy is not ready', { skip: namespacesUnavailable }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { network, manifests, client, web } = node
  const proxy = await node.start()
  t.equal(await proxy.stop(), 0)
  const rules = async () => (await network.node.run('iptables-save', [])).stdout.replace(/^#.*|\[\d+:\d+\]/gm, '')
  const before = await rules()
  t.match(before, new RegExp(web.clusterIP))
  // Node.js exits at once with an option that it does not know. The proxy itself has started before.
  const breakWorkers = `data:text/javascript,process.env.NODE_OPTIONS='--no-such-option'`
  const child = network.start(network.node, process.execPath, [
    `--import=${breakWorkers}`,
    PROXY_PROGRAM,
    '--proxy-mode=userspace',
    '--data-plane-workers=2',
    '--manifests',
    manifests.path,
    '-v=3',
  ])
  const log = new ProgramLog(child, child.stderr!, 60_000)
  await log.waitFor(/"Cannot apply changes; .*No data-plane worker is running.* code="WORKER_FAILED"/)
  t.equal(await rules(), before)
  t.notOk(log.lines.some(line => line.includes('"Synced rules"')))
  const status = await network.node.run(process.execPath, [
    '-e',
    `const get = path => fetch('http://127.0.0.1:10256' + path).then(({ status }) => status)
     Promise.all(['/readyz', '/healthz'].map(get)).then(all => console.log(...all))`,
  ])
  t.equal(status.stdout.trim(), '503 503')
  child.kill('SIGKILL')
  const second = await node.start()
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  t.equal(await second.stop(), 0)
})

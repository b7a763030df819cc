import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { workersOf } from '../support/processes/children-of.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { HAS_GIVEN_WAY, SERVING_AGAIN, STANDING_BY, countLines } from '../support/processes/hand-over-lines.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { ProgramHook } from '../support/processes/program-hook.js'
import { type ProxyProcess } from '../support/processes/proxy-process.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const FLAGS = ['--on-exit=auto', '--iptables-min-sync-period=50ms']
/** Workers of a proxy that is killed would serve on. */
const WITHOUT_WORKERS = ['--data-plane-workers=0']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the tests choose the modes')

/** A signal for a proxy, without a wait for its end. */
function signal({ child }: ProxyProcess, name: NodeJS.Signals): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => code as unknown)
  child.kill(name)
  return ended
}

t.test(
  'a proxy in standby gets SIGTERM, and then its successor is killed: it has the kernel serve',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const first = await node.start()
    const early = await node.connect()
    const second = await node.start(WITHOUT_WORKERS)
    await first.waitForLine(STANDING_BY)
    const ended = signal(first, 'SIGTERM')
    await first.waitForLine(/"Signal received"/)
    await node.kill(second)
    await first.waitForLine(SERVING_AGAIN)
    t.equal(await early.send('still here'), 'still here')
    await first.waitForLine(/"Draining/)
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    early.end()
    t.equal(await ended, 0)
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/, 'the kernel serves')
    t.match(await client.tcp(node.nodeIP, web.nodePort), /^[ab]$/)
  },
)

t.test('a proxy in standby whose successor was killed gets SIGTERM while it starts to serve', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web } = node
  const first = await node.start()
  const second = await node.start(WITHOUT_WORKERS)
  await first.waitForLine(STANDING_BY)
  await node.kill(second)
  await first.waitForLine(SERVING_AGAIN)
  t.equal(await signal(first, 'SIGTERM'), 0)
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/, 'the kernel serves')
})

t.test('a successor never writes its rules', { skip }, async t => {
  const setUp = async (t: Test, ...flags: string[]) => {
    const node = await ServiceNode.create(t, [...FLAGS, '--drain-timeout=4s', ...flags])
    const restore = new HeldProgram(t, await node.restoreProgram(), 'KUBE-PORTALS')
    const first = await node.start()
    const early = await node.connect()
    return { node, first, early, startSecond: () => node.launch([], restore.env) }
  }

  await t.test('SIGTERM to the first one ends it in its time, and the second one answers probes at once', async t => {
    const { node, first, early, startSecond } = await setUp(t)
    const second = startSecond()
    await second.waitForLine(HAS_GIVEN_WAY)
    t.equal(countLines(second, /"Serving healthz over HTTP"/), 0)
    t.strictSame(await node.probe(), [200, 200, 200], 'the first one serves, and replies')
    const ended = signal(first, 'SIGTERM')
    await second.waitForLine(/"Serving healthz over HTTP"/)
    t.strictSame(await node.probe(), [200, 503, 200], 'the second one is not ready')
    t.equal(await early.send('still here'), 'still here')
    t.match(
      await node.client.tcp(node.web.clusterIP, node.web.port),
      /^[ab]$/,
      'the first one serves as long as it can',
    )
    t.equal(await ended, 0)
    t.equal(second.child.exitCode, null)
  })

  await t.test('a first one that already leaves ends in its time', async t => {
    const { node, first, startSecond } = await setUp(t, '--on-exit=keep')
    const ended = signal(first, 'SIGTERM')
    await first.waitForLine(/"Nothing else serves/)
    const second = startSecond()
    await second.waitForLine(HAS_GIVEN_WAY)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/, 'it serves as long as it can')
    t.equal(await ended, 0)
  })
})

t.test('a successor that can never write the rules of a family gives the service back', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const early = await node.connect()
  const loads = await node.startLoads()
  const spoiled = new FaultyProgram(t, await node.restoreProgram(), 's/KUBE-PORTALS-HOST/& --no-such-option/')
  const second = node.launch([], spoiled.env)
  const [code] = (await once(second.child, 'exit')) as [number]
  t.equal(code, 1)
  t.equal(countLines(second, /TAKE_OVER_FAILED/), 1)
  t.equal(countLines(second, /within 45 s, and another kube-proxy can serve this node/), 1)
  t.ok(countLines(second, /"Cannot write the rules.*family="IPv4"/) > 0, 'it says why')
  t.equal(countLines(second, /"Serving healthz over HTTP"/), 0, 'probes never asked it')
  await first.waitForLine(SERVING_AGAIN)
  await first.waitForLine(node.synced)
  await waitUntil(async () => (await node.probe()).join() === '200,200,200', 'the first one replies to probes')
  node.write(node.ips.slice(1))
  await waitUntil(
    async () => (await node.client.tcp(node.web.clusterIP, node.web.port)) === 'b',
    'it follows the cluster',
  )
  t.equal(await early.send('still here'), 'still here')
  await node.checkLoads(t, loads)
  early.end()
  t.equal(await first.stop(), 0)
})

t.test('successors that crash again and again leave three generations of workers at most', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const connections = [await node.connect()]
  for (let crash = 0; crash < 4; crash++) {
    const second = await node.start(WITHOUT_WORKERS)
    const from = first.lines.length
    await node.kill(second)
    await first.waitForLine(node.synced, from)
    connections.push(await node.connect())
  }
  await waitUntil(() => workersOf(first.child.pid!).length === 4, 'one that serves and three that drain')
  t.equal(await connections.at(-1)!.send('still here'), 'still here')
  t.equal(await connections[1]!.send('still here'), 'still here')
  t.equal(countLines(first, /took over and ended too often/), 1)
  for (const connection of connections) connection.end()
  t.equal(await first.stop(), 0)
})

/** A configuration file of a proxy. */
class ConfigFile {
  readonly path: string
  readonly #draft: string

  constructor(t: Test, fields: string) {
    const folder = mkdtempSync(join(tmpdir(), 'standby-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    this.path = join(folder, 'config')
    this.#draft = join(folder, 'draft')
    this.write(fields)
  }

  /** Replaces the file as a whole. */
  write(fields: string): void {
    const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
    writeFileSync(this.#draft, `${head}mode: userspace\n${fields}\n`)
    renameSync(this.#draft, this.path)
  }
}

t.test('the configuration file of a proxy in standby changes', { skip }, async t => {
  const setUp = async (t: Test, env = process.env) => {
    const node = await ServiceNode.create(t, FLAGS)
    const file = new ConfigFile(t, 'logging: {verbosity: 3}')
    const first = await node.start([`--config=${file.path}`], env)
    const early = await node.connect()
    const second = await node.start(WITHOUT_WORKERS)
    await first.waitForLine(STANDING_BY)
    return { node, file, first, early, second, from: first.lines.length }
  }

  await t.test('what can change in a running proxy does when it serves again', async t => {
    const { node, file, first, early, second, from } = await setUp(t)
    file.write('logging: {verbosity: 3}\nmetricsBindAddress: 127.0.0.1:9249')
    await first.waitForLine(/"Configuration changed"/, from)
    t.strictSame(await node.probe(), [200, 200, 200])
    t.equal(countLines(first, /127.0.0.1:9249/), 0, 'it takes no port while the other one serves')
    t.equal(await second.stop(), 0)
    await first.waitForLine(/Serving metrics over HTTP" address="127\.0\.0\.1:9249"/, from)
    t.equal(await early.send('still here'), 'still here')
    early.end()
    t.equal(await first.stop(), 0)
  })

  await t.test('what needs a restart ends it once it serves again, and no client is refused', async t => {
    const { node, file, first, early, second, from } = await setUp(t)
    const loads = await node.startLoads()
    const ended = once(first.child, 'exit')
    file.write('logging: {verbosity: 3}\niptables: {masqueradeAll: true}\nclusterCIDR: 10.244.0.0/16')
    await first.waitForLine(/"This kube-proxy ends when it serves again"/, from)
    t.equal(await early.send('still here'), 'still here')
    t.equal(first.child.exitCode, null, 'it stands by')
    t.equal(await second.stop(), 0)
    await first.waitForLine(SERVING_AGAIN, from)
    await first.waitForLine(/"Draining/, from)
    early.end()
    const [code] = (await ended) as [number]
    t.not(code, 0)
    t.equal(countLines(first, /CONFIG_CHANGED/), 1)
    await node.checkLoads(t, loads)
  })

  await t.test('what needs a restart while it starts to serve again ends it once its rules are written', async t => {
    const hook = new ProgramHook(t, /^ip6?tables-(nft|legacy)-restore$/)
    const { node, file, first, early, second, from } = await setUp(t, hook.env)
    // What the second one does not repair, the first one has to write.
    second.child.kill('SIGSTOP')
    await node.network.node.run('iptables', ['-t', 'nat', '-F', 'KUBE-PORTALS-CONTAINER'])
    hook.hold()
    await node.kill(second)
    await waitUntil(() => hook.isHeld, 'it writes its rules')
    file.write('logging: {verbosity: 3}\niptables: {masqueradeAll: true}')
    await first.waitForLine(/"This kube-proxy ends when it serves again"/, from)
    t.equal(await early.send('still here'), 'still here')
    const ended = once(first.child, 'exit')
    hook.release()
    await first.waitForLine(node.synced, from)
    await first.waitForLine(/"The kernel serves from now on"/, from)
    early.end()
    const [code] = (await ended) as [number]
    t.equal(code, 1)
    t.equal(countLines(first, /CONFIG_CHANGED/), 1)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/, 'the kernel serves')
  })
})

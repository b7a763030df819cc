import { once } from 'node:events'
import t, { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import {
  FOREIGN_CHANGE,
  GIVING_WAY,
  HAS_GIVEN_WAY,
  SERVING_AGAIN,
  STANDING_BY,
  countLines,
} from '../support/processes/hand-over-lines.js'
import { workersOf } from '../support/processes/children-of.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { ProgramHook } from '../support/processes/program-hook.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const FLAGS = ['--on-exit=auto', '--iptables-min-sync-period=50ms']
/** Workers of a proxy that is killed would serve on. */
const WITHOUT_WORKERS = ['--data-plane-workers=0']
const SAVE_PROGRAMS = /^ip6?tables-(nft|legacy)-save$/
const IPV4_SAVE_PROGRAMS = /^iptables-(nft|legacy)-save$/

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the tests choose the modes')

/** Two proxies: the first one, whose programs pass through the hook, stands by with an open connection. */
async function startTwo(t: Test) {
  const node = await ServiceNode.create(t, FLAGS)
  const hook = new ProgramHook(t, SAVE_PROGRAMS)
  const first = await node.start([], hook.env)
  const early = await node.connect()
  const second = await node.start(WITHOUT_WORKERS)
  await first.waitForLine(STANDING_BY)
  return { node, hook, first, early, second }
}

t.test('a proxy that cannot start to serve again at once tries again until it can', { skip }, async t => {
  const { node, hook, first, early, second } = await startTwo(t)
  hook.set('kill -KILL $$')
  await node.kill(second)
  await first.waitForLine(/"Cannot serve again; trying again".*PROGRAM_FAILED/)
  t.equal(await early.send('still here'), 'still here')
  const from = first.lines.length
  hook.set('')
  await first.waitForLine(node.synced, from)
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  t.equal(await early.send('still here'), 'still here')
  await waitUntil(async () => (await node.probe()).join() === '200,200,200', 'it replies to probes')
  t.equal(countLines(first, SERVING_AGAIN), 1)
  early.end()
  t.equal(await first.stop(), 0)
})

t.test('a proxy that cannot start to serve again leaves the node to one that can', { skip }, async t => {
  const { node, hook, first, early, second } = await startTwo(t)
  hook.set('kill -KILL $$')
  await node.kill(second)
  await first.waitForLine(/"Cannot serve again; trying again"/)
  const third = await node.start(WITHOUT_WORKERS)
  await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'the first one stands by')
  t.equal(countLines(third, GIVING_WAY), 0)
  t.equal(await early.send('still here'), 'still here')
  hook.set('')
  const from = first.lines.length
  await node.kill(third)
  await first.waitForLine(node.synced, from)
  t.equal(countLines(first, SERVING_AGAIN), 2, 'its time begins again when another one has served')
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  early.end()
  t.equal(await first.stop(), 0)
})

t.test('a proxy that cannot start to serve again ends after SIGTERM, in its time', { skip }, async t => {
  const { node, hook, first, early, second } = await startTwo(t)
  hook.set('kill -KILL $$')
  await node.kill(second)
  await first.waitForLine(/"Cannot serve again; trying again"/)
  const ended = once(first.child, 'exit')
  first.child.kill('SIGTERM')
  await first.waitForLine(/"Signal received"/)
  first.child.kill('SIGTERM')
  t.equal((await ended)[0], 0)
  early.end()
})

t.test('a proxy that starts while an older one prepares to serve again is not replaced by it', { skip }, async t => {
  const { node, hook, first, early, second } = await startTwo(t)
  hook.hold()
  await node.kill(second)
  await waitUntil(() => hook.isHeld, 'the first one prepares to serve again')
  const third = await node.start()
  const loads = await node.startLoads()
  hook.release()
  await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'the first one stands by')
  t.equal(countLines(third, GIVING_WAY), 0)
  await third.waitForLine(/"Serving healthz over HTTP"/)
  t.strictSame(await node.probe(), [200, 200, 200])
  t.equal(await early.send('still here'), 'still here')
  await node.checkLoads(t, loads)
  const from = first.lines.length
  await node.kill(third)
  await first.waitForLine(node.synced, from)
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  early.end()
  t.equal(await first.stop(), 0)
})

t.test('a proxy that prepares to serve again behind a newer one ends after SIGTERM', { skip }, async t => {
  const { node, hook, first, early, second } = await startTwo(t)
  hook.hold()
  await node.kill(second)
  await waitUntil(() => hook.isHeld, 'the first one prepares to serve again')
  const third = await node.start()
  hook.release()
  await first.waitForLine(/"A newer kube-proxy serves this node: standing by behind it"/)
  early.end()
  t.equal(await first.stop(), 0)
  t.strictSame(await node.probe(), [200, 200, 200])
  t.equal(await third.stop(), 0)
})

t.test(
  'a proxy whose third one is lost while a fourth one prepares does not end before that one serves',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const first = await node.start()
    const early = await node.connect()
    const second = await node.start(WITHOUT_WORKERS)
    await first.waitForLine(STANDING_BY)
    const third = await node.start(WITHOUT_WORKERS)
    await second.waitForLine(STANDING_BY)
    await node.kill(second)
    const restore = new HeldProgram(t, await node.restoreProgram(), 'KUBE-PORTALS')
    const fourth = node.launch(WITHOUT_WORKERS, restore.env)
    await fourth.waitForLine(HAS_GIVEN_WAY)
    // It uses another port than the third one, so that it has to write rules.
    await fourth.waitForLine(/"Serving" servicePort="IPv4\/default\/web\/TCP"/)
    await node.kill(third)
    early.end()
    const ended = once(first.child, 'exit').then(([code]) => code as number)
    first.child.kill('SIGTERM')
    await first.waitForLine(/"Signal received"/)
    await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'it waits for the fourth one')
    await node.kill(fourth)
    await first.waitForLine(SERVING_AGAIN)
    t.equal(await ended, 0)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/, 'the kernel serves')
  },
)

/** A proxy that cleans up at its end: it waits in the middle of that, at a program that does not check a proof. */
async function startHeldCleanup(t: Test) {
  const node = await ServiceNode.create(t, FLAGS)
  const hook = new ProgramHook(t, IPV4_SAVE_PROGRAMS)
  const first = await node.start(['--on-exit=cleanup'], hook.env)
  await first.waitForLine(/"Watching for changes of rules/)
  // Checks that the start has asked for come before this repair: what reads rules next is the cleanup.
  const from = first.lines.length
  await node.network.node.run('iptables', ['-t', 'nat', '-F', 'KUBE-PORTALS-CONTAINER'])
  await first.waitForLine(FOREIGN_CHANGE, from)
  const early = await node.connect()
  const ended = once(first.child, 'exit').then(([code]) => code as number)
  first.child.kill('SIGTERM')
  await first.waitForLine(/"Nothing else serves/)
  hook.hold('*mangle*')
  early.end()
  await waitUntil(() => hook.isHeld, 'it cleans up')
  return { node, hook, first, ended }
}

t.test('a new proxy waits for a step of the cleanup of the one before, and that one stops there', { skip }, async t => {
  const { node, hook, first, ended } = await startHeldCleanup(t)
  const second = node.launch()
  await first.waitForLine(GIVING_WAY)
  t.equal(countLines(second, HAS_GIVEN_WAY), 0)
  hook.release()
  await second.waitForLine(HAS_GIVEN_WAY)
  await second.waitForLine(node.synced)
  t.equal(await ended, 0)
  t.equal(countLines(first, /"The cleanup has ended early/), 1)
  for (let check = 0, last = second.lines.length; check < 2; check++, last = second.lines.length) {
    node.write(node.ips.slice(1 - check))
    await second.waitForLine(/"Listener updated"/, last)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  }
  t.equal(countLines(second, FOREIGN_CHANGE), 0)
  t.equal(await second.stop(), 0)
})

t.test('a proxy whose last step does not end gives way within the time of its successor', { skip }, async t => {
  const { node, hook, first, ended } = await startHeldCleanup(t)
  const second = node.launch()
  await first.waitForLine(/"Giving way while a write to the kernel has not ended"/)
  await second.waitForLine(HAS_GIVEN_WAY)
  await second.waitForLine(node.synced)
  t.equal(countLines(second, /without a hand-over/), 0)
  hook.release()
  t.equal(await ended, 0)
  t.equal(countLines(first, /"The cleanup has ended early/), 1)
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  t.equal(await second.stop(), 0)
})

t.test('a second signal ends a cleanup', { skip }, async t => {
  const { hook, first, ended } = await startHeldCleanup(t)
  first.child.kill('SIGTERM')
  t.equal(await ended, 0)
  hook.release()
})

t.test('a proxy whose workers cannot start gives way at once, with its node ports', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const killing = setInterval(() => {
    for (const pid of workersOf(first.child.pid!)) process.kill(pid, 'SIGKILL')
  }, 20)
  t.teardown(() => clearInterval(killing))
  await waitUntil(() => countLines(first, /data-plane worker/) > 1, 'its workers end again and again')
  // It waits for a worker now.
  const from = first.lines.length
  node.write(node.ips.slice(1))
  await first.waitForLine(/"Read the manifests again"/, from)
  const second = node.launch()
  await second.waitForLine(HAS_GIVEN_WAY)
  clearInterval(killing)
  await second.waitForLine(node.synced)
  t.equal(countLines(second, /without a hand-over|EADDRINUSE/), 0)
  t.equal(await node.client.tcp(node.nodeIP, node.web.nodePort), 'b')
  t.equal(await first.stop(), 0)
  t.equal(await second.stop(), 0)
})

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { HAS_GIVEN_WAY } from '../support/processes/hand-over-lines.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { ProgramHook } from '../support/processes/program-hook.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { type ProxyProcess } from '../support/processes/proxy-process.js'

/** A chain that the kernel serves with, and one that leads to sockets. */
const CHAIN_OF_KERNEL = 'KUBE-SERVICES'
const CHAIN_OF_SOCKETS = 'KUBE-PORTALS-CONTAINER'
const KERNEL_SERVES = /"The kernel serves from now on"/
const IPV6_RESTORE_PROGRAMS = /^ip6tables-(nft|legacy)-restore$/

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes the kernel serves anyway')

/** A proxy that ends while the kernel takes over: the program that writes the rules for that is held. A connection is open. */
async function startHeldTakeOver(t: Test) {
  const node = await ServiceNode.create(t, ['--on-exit=auto', '--iptables-min-sync-period=50ms', '--drain-timeout=60s'])
  const restore = new HeldProgram(t, await node.restoreProgram(), CHAIN_OF_KERNEL)
  const proxy = await node.start([], restore.env)
  const early = await node.connect()
  const ended = endOf(proxy)
  proxy.child.kill('SIGTERM')
  await waitUntil(() => restore.inputs.some(input => input.includes(CHAIN_OF_KERNEL)), 'the kernel takes over')
  return { node, restore, proxy, early, ended }
}

function endOf({ child }: ProxyProcess): Promise<number> {
  return once(child, 'exit').then(([code]) => code as number)
}

async function chainsOf({ network }: ServiceNode, program = 'iptables-save'): Promise<readonly string[]> {
  const { stdout } = await network.node.run(program, [])
  return [...stdout.matchAll(/^:(KUBE-\S+)/gm)].map(([, name]) => name!)
}

t.test(
  'a proxy whose kernel does not take over at once serves new clients until it does, also if none is there',
  { skip },
  async t => {
    const { node, restore, proxy, early, ended } = await startHeldTakeOver(t)
    early.end()
    await proxy.waitForLine(/"The kernel has not taken over yet/)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
    restore.release()
    await proxy.waitForLine(KERNEL_SERVES)
    t.equal(await ended, 0)
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
    t.notOk((await chainsOf(node)).includes(CHAIN_OF_SOCKETS))
  },
)

t.test('a proxy whose kernel cannot take over follows the cluster while it still serves', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--on-exit=auto', '--iptables-min-sync-period=50ms', '--drain-timeout=60s'])
  const spoiled = new FaultyProgram(t, await node.restoreProgram(), 's/-m statistic/--no-such-option/')
  const proxy = await node.start([], spoiled.env)
  const early = await node.connect()
  const ended = endOf(proxy)
  proxy.child.kill('SIGTERM')
  await proxy.waitForLine(/"The kernel cannot serve while the proxy is down/)
  await proxy.waitForLine(/"Nothing else serves/)
  const from = proxy.lines.length
  node.write(node.ips.slice(1))
  await proxy.waitForLine(/"Listener updated"/, from)
  for (let n = 0; n < 4; n++) t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), 'b')
  early.end()
  t.equal(await ended, 0)
})

t.test('a take-over by the kernel that is late writes nothing more when a successor serves', { skip }, async t => {
  const { node, restore, proxy, early, ended } = await startHeldTakeOver(t)
  const second = node.launch()
  await proxy.waitForLine(/"Giving way while a write to the kernel has not ended"/)
  await second.waitForLine(HAS_GIVEN_WAY)
  await second.waitForLine(node.synced)
  const inputsBefore = restore.inputs.length
  restore.release()
  early.end()
  t.equal(await ended, 0)
  t.equal(restore.inputs.length, inputsBefore, 'it neither writes IPv6 nor removes the chains of the successor')
  t.strictSame(
    proxy.lines.filter(line => KERNEL_SERVES.test(line)),
    [],
  )
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
  t.equal(await second.stop(), 0)
})

t.test(
  'an IP family whose rules cannot be written does not keep the kernel from serving the other',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, ['--on-exit=kernel', '--drain-timeout=60s'])
    const hook = new ProgramHook(t, IPV6_RESTORE_PROGRAMS)
    const proxy = await node.start([], hook.env)
    await proxy.waitForLine(/Synced rules" family="IPv6"/)
    const early = await node.connect()
    const ended = endOf(proxy)
    hook.set('exit 4')
    proxy.child.kill('SIGTERM')
    await proxy.waitForLine(/"The kernel cannot take over".*family="IPv6"/)
    t.ok((await chainsOf(node)).includes(CHAIN_OF_KERNEL))
    t.notOk((await chainsOf(node, 'ip6tables-save')).includes(CHAIN_OF_KERNEL))
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
    hook.set('')
    await proxy.waitForLine(KERNEL_SERVES)
    t.ok((await chainsOf(node, 'ip6tables-save')).includes(CHAIN_OF_KERNEL))
    early.end()
    t.equal(await ended, 0)
  },
)

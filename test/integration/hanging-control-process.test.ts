import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { childrenOf, isRunning } from '../support/processes/children-of.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { PROXY_PROGRAM, SPIN_ON_SIGNAL } from '../support/processes/proxy-process.js'

/** Longer than the minute after which a control process that does not turn is ended. */
const LOG_TIMEOUT_MS = 90_000 * TIMEOUT_FACTOR
const KILLING = /"Killing the control process" .*code="CONTROL_SILENT"/

/** Proxies whose control process no worker watches. */
const WITHOUT_WATCHING_WORKERS = [
  ['--proxy-mode=iptables'],
  ['--proxy-mode=userspace', '--data-plane-workers=0', '--on-exit=keep'],
] as const

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the test chooses the mode')

/** A proxy that is the first process of a pid namespace, as in a container. */
async function startAsFirstProcess(t: Test) {
  const node = await ServiceNode.create(t, [])
  const { network, manifests } = node
  const child = network.start(network.node, 'unshare', [
    ...['--pid', '--fork', '--kill-child', '--mount-proc'],
    ...[process.execPath, ...SPIN_ON_SIGNAL, PROXY_PROGRAM],
    ...['--manifests', manifests.path, '--data-plane-workers=1', '--on-exit=kernel', '-v=3'],
  ])
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  await log.waitFor(node.synced)
  const [pid] = childrenOf(child.pid!) as [number]
  /** Asks for `/livez`, without a time limit of its own. */
  const ask = async () => {
    const program = `fetch('http://127.0.0.1:10256/livez').then(r => console.log(r.status), () => console.log('no answer'))`
    const asking = network.start(network.node, process.execPath, ['-e', program])
    return String((await once(asking.stdout!, 'data'))[0])
  }
  t.equal(await ask(), '200\n')
  return { node, child, log, pid, ask }
}

/** An ordinary process without workers that could kill it. */
async function checkOrdinary(t: Test, flags: readonly string[]): Promise<void> {
  const node = await ServiceNode.create(t, [])
  const { network, manifests } = node
  const child = network.start(network.node, process.execPath, [
    ...[...SPIN_ON_SIGNAL, PROXY_PROGRAM],
    ...['--manifests', manifests.path, '-v=3', ...flags],
  ])
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  await log.waitFor(node.synced)
  const exited = once(child, 'exit')
  child.kill('SIGUSR2')
  await log.waitFor(KILLING)
  t.strictSame(await exited, [null, 'SIGKILL'], flags.join(' '))
}

t.test(
  'a proxy that does not turn ends itself where no worker can end it',
  { skip, timeout: 2 * LOG_TIMEOUT_MS },
  async t => {
    const checkBusy = async () => {
      const { child, log, pid, ask, node } = await startAsFirstProcess(t)
      const children = childrenOf(pid)
      t.ok(children.length >= 2, 'a worker and the failover process')
      const exited = once(child, 'exit')
      process.kill(pid, 'SIGUSR2')
      const answer = ask()
      await log.waitFor(KILLING)
      t.strictSame(await exited, [null, 'SIGTRAP'], 'one that works without end ends by itself')
      t.equal(await answer, 'no answer\n')
      await waitUntil(() => !children.some(isRunning), 'the kernel has ended the whole container')
      const next = await node.start()
      t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/, 'the next container serves')
      t.equal(await next.stop(), 0)
    }
    const checkStopped = async () => {
      const { child, log, pid, ask, node } = await startAsFirstProcess(t)
      process.kill(pid, 'SIGSTOP')
      const answer = ask()
      let hasAnswer = false
      void answer.then(() => (hasAnswer = true))
      await log.waitFor(KILLING)
      t.notOk(hasAnswer, 'one that is stopped does not reply to probes')
      t.ok(isRunning(pid), 'its worker cannot kill it')
      t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/, 'the worker serves meanwhile')
      const exited = once(child, 'exit')
      process.kill(pid, 'SIGKILL')
      await exited
      t.equal(await answer, 'no answer\n')
    }
    await Promise.all([checkBusy(), checkStopped(), ...WITHOUT_WATCHING_WORKERS.map(flags => checkOrdinary(t, flags))])
  },
)

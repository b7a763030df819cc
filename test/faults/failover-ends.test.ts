import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { DURING_CHANGE, THROUGH_A_WORKER } from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { failoverProcessOf, isRunning, stateOf, workersOf } from '../support/processes/children-of.js'
import { type ProxyProcess } from '../support/processes/proxy-process.js'

const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable

/** A proxy whose failover process has its script, under traffic. */
async function start(t: Test) {
  const node = await ServiceNode.create(t, ['--on-exit=kernel', '--data-plane-workers=1'])
  const folder = mkdtempSync(join(tmpdir(), 'kpn-failover-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const proxy = await node.start([], { ...process.env, TMPDIR: folder })
  const hasScript = () => readdirSync(folder).some(name => existsSync(join(folder, name, 'current')))
  await waitUntil(hasScript, 'the failover process has its script')
  const failover = failoverProcessOf(proxy.child.pid!)!
  return { node, proxy, failover, traffic: await node.startTraffic() }
}

/** Stops the control process: it cannot replace what ends next, however long this test waits for a processor. */
async function stopControl({ child }: ProxyProcess): Promise<void> {
  child.kill('SIGSTOP')
  await waitUntil(() => stateOf(child.pid!) === 'T', 'the control process is stopped')
}

/** Kills all processes of a proxy but the failover process, and waits until the kernel serves what the proxy served. */
async function checkKernelServes(t: Test, node: ServiceNode, proxy: ProxyProcess): Promise<void> {
  await stopControl(proxy)
  for (const pid of workersOf(proxy.child.pid!)) process.kill(pid, 'SIGKILL')
  await node.kill(proxy)
  await node.waitForPod('a')
  const rules = async () => (await node.rules()).join('\n')
  t.match(await rules(), /-j KUBE-SERVICES/, 'with the rules of iptables mode')
  await waitUntil(async () => !(await rules()).includes('KUBE-PORTALS'), 'the rules of the proxy are gone')
}

/** The failover process ends in some way while the proxy runs. */
async function measureReplacement(t: Test, fault: FaultMeasurement, signal: NodeJS.Signals): Promise<void> {
  const { node, proxy, failover, traffic } = await start(t)
  fault.start()
  process.kill(failover, signal)
  await fault.measureRecovery('another one runs', () => proxy.waitForLine(/"Another failover process runs"/))
  t.notOk(isRunning(failover))
  await fault.checkTraffic(traffic)
  await checkKernelServes(t, node, proxy)
}

testFault(
  {
    fault: 'The failover process is killed (--on-exit=kernel)',
    promise:
      'Nothing is lost. Another one runs within seconds, with the same script: when the proxy is killed later, the kernel serves.',
    skip,
  },
  (t, fault) => measureReplacement(t, fault, 'SIGKILL'),
)

testFault(
  {
    fault: 'The failover process is stopped and does not continue (--on-exit=kernel)',
    promise:
      'Nothing is lost. It is replaced after 10 to 14 s, with the same script: when the proxy is killed later, the kernel serves.',
    skip,
  },
  (t, fault) => measureReplacement(t, fault, 'SIGSTOP'),
)

testFault(
  {
    fault: 'The failover process is killed, then the control process, which has not replaced it yet',
    promise: 'The worker serves alone until the next proxy does. No TCP connection is lost, neither new nor open.',
    skip,
  },
  async (t, fault) => {
    const { node, proxy, failover, traffic } = await start(t)
    fault.start()
    await stopControl(proxy)
    process.kill(failover, 'SIGKILL')
    await node.kill(proxy)
    const next = await node.start()
    await fault.measureRecovery('a new client is served', () => node.waitForPod('a'))
    await fault.checkTraffic(traffic, DURING_CHANGE)
    t.equal(await next.stop(), 0)
  },
)

testFault(
  {
    fault: 'The failover process is stopped, then the proxy and its worker are killed; after 3 s it continues',
    promise: 'Clients are refused at once until it continues; then the kernel serves. What was open is cut.',
    skip,
  },
  async (t, fault) => {
    const { node, proxy, failover, traffic } = await start(t)
    fault.start()
    await stopControl(proxy)
    process.kill(failover, 'SIGSTOP')
    const [worker] = workersOf(proxy.child.pid!)
    process.kill(worker!, 'SIGKILL')
    await node.kill(proxy)
    await delay(3000)
    process.kill(failover, 'SIGCONT')
    fault.end()
    await fault.measureRecovery('the kernel serves', () => node.waitForPod('a'))
    const { newConnections } = await fault.checkTraffic(traffic, {
      ...THROUGH_A_WORKER,
      newConnections: 'before recovery',
      udpRequests: 'before recovery',
    })
    t.equal(newConnections.lost['no answer'], undefined, 'none hangs')
    t.match((await node.rules()).join('\n'), /-j KUBE-SERVICES/)
  },
)

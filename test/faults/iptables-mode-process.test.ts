import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { measureProcessFault } from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_PROGRAM, SPIN_ON_SIGNAL } from '../support/processes/proxy-process.js'

const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable
/** There are no workers, and the kernel carries the traffic. */
const IN_IPTABLES_MODE = { workers: 0, flags: ['--proxy-mode=iptables'] } as const
const STOP_MS = 3000
/** Longer than the minute after which a process that does not turn is killed. */
const LOG_TIMEOUT_MS = 90_000 * TIMEOUT_FACTOR

testFault(
  {
    fault: 'The process of a proxy in iptables mode is killed',
    promise: 'The kernel serves; nothing is lost.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      ...IN_IPTABLES_MODE,
      run: async (kill, control) => Promise.resolve(kill('SIGKILL', control)),
      restarts: true,
    }),
)

testFault(
  {
    fault: 'The process of a proxy in iptables mode is stopped for 3 s',
    promise: 'The kernel serves; nothing is lost.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      ...IN_IPTABLES_MODE,
      run: async (kill, control) => {
        kill('SIGSTOP', control)
        await delay(STOP_MS)
        kill('SIGCONT', control)
        fault.end()
      },
    }),
)

testFault(
  {
    fault: 'The process of a proxy in iptables mode works without end',
    promise:
      'The kernel serves; nothing is lost. After a minute a thread kills the process (CONTROL_SILENT), and the next one follows changes.',
    skip,
  },
  async (t, fault) => {
    const node = await ServiceNode.create(t, ['--proxy-mode=iptables'])
    const { network, manifests } = node
    const child = network.start(network.node, process.execPath, [
      ...[...SPIN_ON_SIGNAL, PROXY_PROGRAM],
      ...['--manifests', manifests.path, '--proxy-mode=iptables', '-v=3'],
    ])
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    await log.waitFor(node.synced)
    const traffic = await node.startTraffic()
    const exited = once(child, 'exit')
    fault.start()
    child.kill('SIGUSR2')
    await log.waitFor(/"Killing the control process" .*code="CONTROL_SILENT"/)
    await exited
    // Not that of UDP: a request whose endpoint is removed before the answer comes is lost, with or without a fault.
    manifests.write(...node.services, ...node.slices(node.ips.slice(1)).slice(0, 1), ...node.slices(node.ips).slice(1))
    const next = await node.start()
    await fault.measureRecovery('a change takes effect that was made meanwhile', () => node.waitForPod('b'))
    await fault.checkTraffic(traffic)
    t.equal(await next.stop(), 0)
  },
)

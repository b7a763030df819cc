import { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { DURING_CHANGE, THROUGH_A_WORKER, measureProcessFault } from '../support/faults/process-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { isRunning } from '../support/processes/children-of.js'
import { MemoryGroup } from '../support/processes/memory-group.js'
import { GROW_ON_SIGNAL } from '../support/processes/proxy-process.js'

const testFault = faultsOf('Processes of the proxy')
const skip = namespacesUnavailable === false ? MemoryGroup.unavailable() : namespacesUnavailable
/** What the process may take until the kernel kills it. */
const LIMIT_BYTES = 32 * 1024 * 1024

/** Has a process take memory in a cgroup that has little, until the kernel kills it. */
async function exhaustMemory(t: Test, pid: number): Promise<void> {
  const group = MemoryGroup.create(t, LIMIT_BYTES)
  group.add(pid)
  process.kill(pid, 'SIGUSR2')
  await waitUntil(() => !isRunning(pid), 'the kernel has killed it')
  t.equal(group.kills, 1, 'for lack of memory')
}

testFault(
  {
    fault: 'The kernel kills the only worker, which takes more memory than its cgroup may have',
    promise: 'New clients wait for the next worker. What went through the killed one is cut.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      onSignal: GROW_ON_SIGNAL,
      run: (_, __, [worker]) => exhaustMemory(t, worker!),
      allowed: THROUGH_A_WORKER,
    }),
)

testFault(
  {
    fault: 'The kernel kills the control process, which takes more memory than its cgroup may have',
    promise: 'No TCP connection is lost, neither new nor open: the worker serves alone until the next proxy does.',
    skip,
  },
  (t, fault) =>
    measureProcessFault(t, fault, {
      workers: 1,
      onSignal: GROW_ON_SIGNAL,
      run: (_, control) => exhaustMemory(t, control),
      restarts: true,
      allowed: DURING_CHANGE,
    }),
)

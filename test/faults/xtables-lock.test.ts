import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { measureProgramFault } from '../support/faults/program-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const testFault = faultsOf('Programs of iptables')
const HELD_MS = 60_000

function measure(t: Test, fault: FaultMeasurement, mode: string): Promise<void> {
  let holder: ChildProcess | undefined
  return measureProgramFault(t, fault, {
    mode,
    backEnd: 'legacy',
    begin: async ({ node, folder }) => {
      const lock = join(folder, 'xtables.lock')
      holder = node.network.start(node.network.node, 'flock', [lock, 'sh', '-c', 'echo held; read line'])
      await once(holder.stdout!, 'data')
    },
    // The proxy waits for five seconds each time, and tries again after a pause.
    takesEffect: async ({ waitForLine }) => {
      await Promise.all([waitForLine(/Cannot write the rules.*IPTABLES_LOCKED.*family="IPv4"/), delay(HELD_MS)])
    },
    end: () => void holder!.stdin!.write('release\n'),
  })
}

// They wait for the lock.
t.jobs = 2

testFault(
  {
    fault: 'Another program holds the xtables lock for a minute (legacy tables, userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip: namespacesUnavailable,
  },
  (t, fault) => measure(t, fault, 'userspace'),
)

testFault(
  {
    fault: 'Another program holds the xtables lock for a minute (legacy tables, iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip: namespacesUnavailable,
  },
  (t, fault) => measure(t, fault, 'iptables'),
)

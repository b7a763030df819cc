import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { type ProgramFault, measureProgramFault } from '../support/faults/program-fault.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

const testFault = faultsOf('Programs of iptables')
const skip = namespacesUnavailable

const RESTORE_PROGRAMS = ['iptables-nft-restore', 'ip6tables-nft-restore']
const SAVE_PROGRAMS = ['iptables-nft-save', 'ip6tables-nft-save']

/** The program reads its input and fails, as if the kernel had no memory. */
const FAILING: ProgramFault = {
  begin: ({ path }) => {
    for (const name of RESTORE_PROGRAMS)
      path.replace(name, 'cat > /dev/null; echo "$0: line 2 failed: Memory allocation problem." >&2; exit 4')
  },
  takesEffect: async ({ waitForLine }) => {
    await waitForLine(/Cannot write the rules.*family="IPv4".*retryMs=2000/)
  },
  end: ({ path }) => RESTORE_PROGRAMS.forEach(name => path.restore(name)),
}

/** The program does nothing until a file is gone. */
function hanging(): ProgramFault {
  const [hold, held] = ['hold', 'held']
  return {
    begin: ({ path, folder }) => {
      for (const name of RESTORE_PROGRAMS)
        path.replace(
          name,
          `touch ${join(folder, held)}; while [ -e ${join(folder, hold)} ]; do sleep 0.1; done; exec "$real" "$@"`,
        )
      writeFileSync(join(folder, hold), '')
    },
    takesEffect: async ({ folder }) => {
      await waitUntil(() => existsSync(join(folder, held)), 'the program hangs')
      await delay(10_000)
    },
    end: ({ folder }) => rmSync(join(folder, hold)),
  }
}

const MISSING: ProgramFault = {
  begin: ({ path }) => [...RESTORE_PROGRAMS, ...SAVE_PROGRAMS].forEach(name => path.remove(name)),
  takesEffect: async ({ waitForLine }) => {
    await waitForLine(/Cannot write the rules.*PROGRAM_MISSING.*family="IPv4".*retryMs=2000/)
  },
  end: ({ path }) => [...RESTORE_PROGRAMS, ...SAVE_PROGRAMS].forEach(name => path.restore(name)),
}

testFault(
  {
    fault: 'iptables-restore fails with exit code 4 (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, FAILING),
)

testFault(
  {
    fault: 'iptables-restore fails with exit code 4 (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, { ...FAILING, mode: 'iptables' }),
)

testFault(
  {
    fault: 'iptables-restore hangs for 10 s (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, hanging()),
)

testFault(
  {
    fault: 'iptables-restore hangs for 10 s (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, { ...hanging(), mode: 'iptables' }),
)

testFault(
  {
    fault: 'iptables-save and iptables-restore are missing, as while their package is upgraded (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, MISSING),
)

testFault(
  {
    fault: 'iptables-save and iptables-restore are missing, as while their package is upgraded (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measureProgramFault(t, fault, { ...MISSING, mode: 'iptables' }),
)

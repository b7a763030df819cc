import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ApiNode } from '../support/faults/api-node.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { changeLines } from '../support/processes/change-lines.js'

const testFault = faultsOf('Clock')
/** The library that `faketime` loads into a program: it shifts the clock of that program only, as a file says. */
const library = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
const skip = namespacesUnavailable || (library.status === 0 ? false : 'faketime is not installed')
const PROMISE = 'No client is lost, the proxy follows changes, and stays healthy.'

/** Sets the clock of a running proxy and of all its processes. */
async function measureJump(t: Test, fault: FaultMeasurement, seconds: string, mode: string): Promise<void> {
  const folder = t.testdir({ shift: '+0' })
  const shift = join(folder, 'shift')
  const cluster = await ApiNode.start(t, {
    mode,
    env: {
      ...process.env,
      LD_PRELOAD: library.stdout.trim(),
      FAKETIME_TIMESTAMP_FILE: shift,
      FAKETIME_NO_CACHE: '1',
      // A system's monotonic clock does not change when its time is set.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  const { node, proxy } = cluster
  const traffic = await node.startTraffic()
  const from = proxy.lines.length
  fault.start()
  writeFileSync(shift, seconds)
  await cluster.moveEndpoints()
  await fault.measureRecovery('a change takes effect that was made after the jump', () => node.waitForPod('b'))
  await proxy.waitForLine(new RegExp(`^I${dayOf(seconds)} .*${changeLines(mode).endpoints.source}`), from)
  await delay(3000)
  t.strictSame(await node.probe(), [200, 200, 200], 'it is healthy')
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

/** Month and day as log lines have them. */
function dayOf(seconds: string): string {
  const date = new Date(Date.now() + Number(seconds) * 1000)
  return `${date.getMonth() + 1}`.padStart(2, '0') + `${date.getDate()}`.padStart(2, '0')
}

// They wait most of the time.
t.jobs = 2

testFault({ fault: 'It jumps ahead by two days (userspace mode)', promise: PROMISE, skip }, (t, fault) =>
  measureJump(t, fault, '+172800', 'userspace'),
)

testFault({ fault: 'It jumps back by two days (userspace mode)', promise: PROMISE, skip }, (t, fault) =>
  measureJump(t, fault, '-172800', 'userspace'),
)

testFault({ fault: 'It jumps ahead by two days (iptables mode)', promise: PROMISE, skip }, (t, fault) =>
  measureJump(t, fault, '+172800', 'iptables'),
)

testFault({ fault: 'It jumps back by two days (iptables mode)', promise: PROMISE, skip }, (t, fault) =>
  measureJump(t, fault, '-172800', 'iptables'),
)

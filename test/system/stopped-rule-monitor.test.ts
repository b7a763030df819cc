import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { RuleMonitor } from '../../lib/system/rule-monitor.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'
import { failStarts } from '../support/processes/fail-starts.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const PROGRAM = fileURLToPath(new URL('../support/processes/rule-monitor-entry.js', import.meta.url))
const MINUTE = 60_000

async function start(t: Test) {
  const network = await NodeNetwork.create(t)
  const child = network.start(network.node, process.execPath, [PROGRAM])
  const log = new ProgramLog(child, child.stderr!, MINUTE)
  const replies = createInterface({ input: child.stdout! })
  const send = async (command: string) => {
    const reply = once(replies, 'line')
    child.stdin!.write(`${command}\n`)
    return Number((await reply)[0])
  }
  const monitors = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  /** Waits until one more change is noticed than before. */
  const waitForChange = async (before: number) => {
    const isMore = async () => (await send('count')) >= (Number.isNaN(before) ? 0 : before + 1)
    await waitUntil(isMore, 'a change is noticed')
  }
  const isMonitor = (pid: string | undefined) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'xtables-monitor\n'
    } catch {
      return false
    }
  }
  await waitUntil(() => monitors().some(isMonitor), 'it runs')
  const pid = Number(monitors().find(isMonitor))
  // Its socket of the protocol NETFILTER, number 12, gets the messages of a group.
  const listens = () => /^\S+ +12 +\d+ +(?!00000000)/m.test(readFileSync(`/proc/${pid}/net/netlink`, 'utf8'))
  await waitUntil(listens, 'it listens')
  await send('wait 500')
  await log.waitFor(/"Watching for changes of rules by other programs"/)
  return { log, send, waitForChange, pid }
}

t.test('a monitor that reports changes is kept', { skip: namespacesUnavailable }, async t => {
  const { log, send, waitForChange, pid } = await start(t)
  for (let minute = 0; minute < 5; minute++) {
    const before = await send('count')
    await send(`wait ${MINUTE}`)
    await waitForChange(before)
  }
  process.kill(pid, 0)
  t.notOk(log.lines.some(line => /has ended/.test(line)))
})

t.test('a monitor that is stopped is replaced', { skip: namespacesUnavailable }, async t => {
  const { log, send, pid } = await start(t)
  process.kill(pid, 'SIGSTOP')
  for (let minute = 0; minute < 3; minute++) await send(`wait ${MINUTE}`)
  t.match(
    await log.waitFor(/"Reading rules to notice changes by other programs: xtables-monitor has ended"/),
    /SIGKILL/,
  )
})

t.test('a monitor that cannot start is started again later and later', async t => {
  failStarts(t)
  const [clock, log] = [new ManualClock(), new RecordingLog()]
  const monitor = new RuleMonitor({ concernsUs: () => false, makeChange: () => Promise.resolve(), clock, log })
  t.teardown(() => monitor.stop())
  monitor.start()
  for (const restartMs of [1000, 2000, 4000]) {
    t.match(await log.waitForEntry(), { message: /xtables-monitor has ended/, fields: { reason: /E2BIG/, restartMs } })
    t.equal(monitor.foreignChanges('IPv4'), undefined)
    clock.advanceSync(restartMs)
  }
})

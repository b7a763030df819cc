import t from 'tap'
import { ModeSwitch } from '../../lib/control/mode-switch.js'
import { type IpFamily } from '../../lib/model/address.js'
import { type DrainState } from '../../lib/modes/mode.js'
import { ManualClock, settle } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

const PERIOD_MS = 60_000

/** A switch from a mode that drains in these steps; the last one repeats. */
function switchFrom(families: readonly IpFamily[], ...steps: readonly (() => Promise<DrainState>)[]) {
  const log = new RecordingLog()
  const clock = new ManualClock()
  let count = 0
  const step = () => steps[Math.min(count++, steps.length - 1)]!()
  const modeSwitch = new ModeSwitch(families, [{ mode: 'old', drain: { periodMs: PERIOD_MS, step } }], clock, log)
  return { modeSwitch, log, clock, stepCount: () => count }
}

const stepOf = (state: DrainState) => () => Promise.resolve(state)
const fails = () => Promise.reject(new Error('ipvsadm timed out'))
const draining = (virtualServers: number) => stepOf({ draining: { virtualServers } })

t.test('leftovers of the other mode are removed once, when the rules of every family are programmed', async t => {
  const { modeSwitch, log, stepCount } = switchFrom(['IPv4', 'IPv6'], stepOf('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  modeSwitch.onRulesProgrammed('IPv4')
  t.equal(stepCount(), 0)
  const logged = log.waitForEntry()
  modeSwitch.onRulesProgrammed('IPv6')
  t.match(await logged, { severity: 'info', message: 'Removed the leftovers of another mode', fields: { mode: 'old' } })
  modeSwitch.onRulesProgrammed('IPv6')
  t.equal(stepCount(), 1)
})

t.test('while connections are open there is a step in every period, and one log line says what stays', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], draining(2), draining(1), stepOf('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(PERIOD_MS - 1)
  t.equal(stepCount(), 1)
  t.match(log.entries, [
    { message: /stay until their last connection has closed/, fields: { mode: 'old', virtualServers: 2 } },
  ])
  await clock.advance(PERIOD_MS + 1)
  t.equal(stepCount(), 3)
  t.match(log.entries.slice(1), [{ message: 'Removed the leftovers of another mode' }])
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 3)
  t.equal(log.entries.length, 2)
})

t.test('a step that fails while connections drain is repeated', async t => {
  const { modeSwitch, log, clock } = switchFrom(['IPv4'], draining(1), fails, stepOf('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(2 * PERIOD_MS)
  t.match(log.entries.slice(1), [{ severity: 'error' }, { message: 'Removed the leftovers of another mode' }])
})

t.test('a first step that fails is the last one, and the log suggests --cleanup', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], fails)
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
  t.match(log.entries, [{ severity: 'error', message: /run kube-proxy --cleanup/ }])
})

t.test('a mode that left nothing is not logged', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], stepOf('nothing there'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
  t.same(log.entries, [])
})

t.test('after a stop there are no more steps', async t => {
  const { modeSwitch, clock, stepCount } = switchFrom(['IPv4'], draining(1))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(1)
  await modeSwitch.stop()
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
})

t.test('after a stop in the middle of a step there are no more steps', async t => {
  const { modeSwitch, clock, stepCount } = switchFrom(['IPv4'], draining(1))
  modeSwitch.onRulesProgrammed('IPv4')
  await modeSwitch.stop()
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
})

t.test('a stop waits for the end of a step: the kernel must not change after it', async t => {
  let finish = (state: DrainState): void => void state
  const { modeSwitch } = switchFrom(['IPv4'], () => new Promise(resolve => (finish = resolve)))
  modeSwitch.onRulesProgrammed('IPv4')
  let isStopped = false
  const stopped = modeSwitch.stop().then(() => (isStopped = true))
  await settle()
  t.notOk(isStopped)
  finish('all removed')
  await stopped
  await modeSwitch.stop()
})

t.test('after a stop, rules that are programmed for the first time start no step', async t => {
  const { modeSwitch, stepCount } = switchFrom(['IPv4'], stepOf('all removed'))
  await modeSwitch.stop()
  modeSwitch.onRulesProgrammed('IPv4')
  t.equal(stepCount(), 0)
})

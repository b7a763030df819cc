import t from 'tap'
import { ModeSwitch } from '../../lib/control/mode-switch.js'
import { type IpFamily } from '../../lib/model/address.js'
import { type DrainState } from '../../lib/modes/mode-drain.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

const PERIOD_MS = 60_000

/** A switch from a mode whose draining takes these steps; the last one repeats. */
function switchFrom(families: readonly IpFamily[], ...steps: readonly (() => Promise<DrainState>)[]) {
  const log = new RecordingLog()
  const clock = new ManualClock()
  let count = 0
  const step = () => steps[Math.min(count++, steps.length - 1)]!()
  const modeSwitch = new ModeSwitch(families, [{ mode: 'old', drain: { periodMs: PERIOD_MS, step } }], clock, log)
  return { modeSwitch, log, clock, stepCount: () => count }
}

const finds = (state: DrainState) => () => Promise.resolve(state)
const fails = () => Promise.reject(new Error('ipvsadm timed out'))
const draining = (virtualServers: number) => finds({ draining: { virtualServers } })

t.test('what the other mode left is removed once, when the rules of every family are programmed', async t => {
  const { modeSwitch, log, stepCount } = switchFrom(['IPv4', 'IPv6'], finds('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  modeSwitch.onRulesProgrammed('IPv4')
  t.equal(stepCount(), 0)
  const logged = log.waitForEntry()
  modeSwitch.onRulesProgrammed('IPv6')
  t.match(await logged, { severity: 'info', message: 'Removed what another mode had left', fields: { mode: 'old' } })
  modeSwitch.onRulesProgrammed('IPv6')
  t.equal(stepCount(), 1)
})

t.test('while connections are open it steps every period, and logs once that something stays', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], draining(2), draining(1), finds('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(PERIOD_MS - 1)
  t.equal(stepCount(), 1)
  t.match(log.entries, [
    { message: /stay until the last of their connections has ended/, fields: { mode: 'old', virtualServers: 2 } },
  ])
  await clock.advance(PERIOD_MS + 1)
  t.equal(stepCount(), 3)
  t.match(log.entries.slice(1), [{ message: 'Removed what another mode had left' }])
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 3)
  t.equal(log.entries.length, 2)
})

t.test('a step that fails while connections drain is tried again', async t => {
  const { modeSwitch, log, clock } = switchFrom(['IPv4'], draining(1), fails, finds('all removed'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(2 * PERIOD_MS)
  t.match(log.entries.slice(1), [{ severity: 'error' }, { message: 'Removed what another mode had left' }])
})

t.test('a first step that fails is the last one: --cleanup may do what is left', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], fails)
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
  t.match(log.entries, [{ severity: 'error', message: /kube-proxy --cleanup may say why/ }])
})

t.test('a mode that left nothing is not mentioned', async t => {
  const { modeSwitch, log, clock, stepCount } = switchFrom(['IPv4'], finds('nothing there'))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
  t.same(log.entries, [])
})

t.test('after a stop nothing is drained any more', async t => {
  const { modeSwitch, clock, stepCount } = switchFrom(['IPv4'], draining(1))
  modeSwitch.onRulesProgrammed('IPv4')
  await clock.advance(1)
  modeSwitch.stop()
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
})

t.test('after a stop in the middle of a step nothing is drained any more', async t => {
  const { modeSwitch, clock, stepCount } = switchFrom(['IPv4'], draining(1))
  modeSwitch.onRulesProgrammed('IPv4')
  modeSwitch.stop()
  await clock.advance(10 * PERIOD_MS)
  t.equal(stepCount(), 1)
})

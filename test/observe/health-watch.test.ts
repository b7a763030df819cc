import t from 'tap'
import { type HealthProblem } from '../../lib/model/health-problem.js'
import { HealthWatch } from '../../lib/observe/health-watch.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import { ProxyHealth } from '../../lib/observe/proxy-health.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

t.test('the log has one line when the proxy stops being healthy, and one when it is healthy again', async t => {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const rules = new ProxierHealth({ families: ['IPv4'], timeoutMs: 60_000, startedAt: 0, clock })
  let problem: HealthProblem | undefined
  const part = {
    name: 'part',
    get problem() {
      return problem
    },
  }
  const health = new ProxyHealth(rules, [part])
  const watch = new HealthWatch({ health, clock, log })
  t.teardown(() => watch.close())
  const lines = () => log.entries.map(({ message }) => message)
  clock.advanceSync(10_000)
  t.strictSame(lines(), [])
  problem = { text: 'no worker', needsRestart: true }
  clock.advanceSync(10_000)
  t.strictSame(lines(), ['The proxy is not healthy; /healthz responds with 503'])
  t.strictSame(
    [...health.partsHealth],
    [
      ['rules', true],
      ['part', false],
    ],
  )
  rules.queued('IPv4')
  clock.advanceSync(60_000)
  t.equal(lines().length, 2, 'another problem is another line')
  rules.synced('IPv4', clock.now())
  clock.advanceSync(10_000)
  t.equal(lines().length, 2)
  problem = undefined
  clock.advanceSync(10_000)
  t.strictSame(lines().slice(2), ['The proxy is healthy again'])
  t.match(log.entries.at(-1), { fields: { afterSeconds: 80 } })
  await watch.close()
  t.equal(clock.pendingTimers, 0)
})

import t from 'tap'
import { realClock } from '../../lib/system/real-clock.js'

t.test('a timer that is longer than Node.js can count does not run at once', async t => {
  let hasRun = false
  const cancel = realClock.after(2 ** 31 + 2000, () => (hasRun = true))
  // Node.js runs such a timer after a millisecond.
  await new Promise<void>(resolve => void realClock.after(50, resolve))
  t.notOk(hasRun)
  cancel()
})

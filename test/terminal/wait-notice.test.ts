import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { WaitNotice } from '../../lib/terminal/wait-notice.js'

const NOTICE = /\r\x1b\[KWorking \.\.\. \d+ s$/

/** A notice after one millisecond, and what it has written. */
function quickNotice() {
  const written: string[] = []
  const writes = new EventEmitter()
  const write = (text: string): void => {
    written.push(text)
    writes.emit('write')
  }
  return { notice: new WaitNotice(write, 'Working ...', 1), written, nextWrite: () => once(writes, 'write') }
}

t.test('a wait is noticed, and the next output replaces the notice', async t => {
  const { notice, written, nextWrite } = quickNotice()
  // The timer of the notice does not keep a process alive.
  const alive = setInterval(() => undefined, 1000)
  t.teardown(() => clearInterval(alive))
  notice.begin()
  await nextWrite()
  t.match(written.at(-1), NOTICE)
  notice.write('output\n')
  t.strictSame(written.slice(-2), ['\r\x1b[K', 'output\n'])
  await nextWrite()
  t.match(written.at(-1), NOTICE, 'the wait goes on after the output')
  notice.end()
  t.equal(written.at(-1), '\r\x1b[K')
})

t.test('without a wait, output is only output', t => {
  const { notice, written } = quickNotice()
  notice.end()
  notice.write('output\n')
  notice.end()
  t.strictSame(written, ['output\n'])
  t.end()
})

import t from 'tap'
import { lineReader } from '../../lib/control/line-reader.js'
import { connectedSockets } from '../support/pods/connected-sockets.js'

t.test('lines come one by one, however they are cut, and then the end', async t => {
  const [client, other] = await connectedSockets(t)
  const nextLine = lineReader(client)
  other.write('one\ntw')
  t.equal(await nextLine(), 'one')
  other.end('o\nthree\n')
  t.strictSame([await nextLine(), await nextLine(), await nextLine()], ['two', 'three', undefined])
})

t.test('a reader that waits on a socket that this process or the other one destroys gets the end', async t => {
  for (const destroyed of [0, 1]) {
    const ends = await connectedSockets(t)
    const nextLine = lineReader(ends[0])
    const line = nextLine()
    if (destroyed === 0) ends[0].destroy()
    else ends[1].resetAndDestroy()
    ends[0].on('error', () => undefined)
    t.equal(await line, undefined)
    t.equal(await nextLine(), undefined)
  }
})

t.test('a socket that sends more than a message has, without the end of a line, is destroyed', async t => {
  const [client, other] = await connectedSockets(t)
  const nextLine = lineReader(client)
  other.on('error', () => undefined).write(`one\n${'x'.repeat(64)}\n${'y'.repeat(65)}`)
  t.strictSame([await nextLine(), await nextLine()], ['one', 'x'.repeat(64)], 'what came before counts')
  t.equal(await nextLine(), undefined)
  t.ok(client.destroyed)
})

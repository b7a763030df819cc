import { once } from 'node:events'
import t from 'tap'
import { LineConnection } from '../../lib/control/line-connection.js'
import { connectedSockets } from '../support/pods/connected-sockets.js'

t.test('lines come one by one, however they are cut, and then the end', async t => {
  const [client, other] = await connectedSockets(t)
  const connection = new LineConnection(client)
  other.write('one\ntw')
  t.equal(await connection.nextLine(), 'one')
  other.end('o\nthree\nnot a line')
  t.strictSame(
    [await connection.nextLine(), await connection.nextLine(), await connection.nextLine()],
    ['two', 'three', undefined],
  )
})

t.test('a line that was sent, and a last one, reach the other side', async t => {
  const [client, other] = await connectedSockets(t)
  const [one, two] = [new LineConnection(client), new LineConnection(other)]
  one.send('first')
  one.end('last')
  one.send('too late')
  t.strictSame([await two.nextLine(), await two.nextLine(), await two.nextLine()], ['first', 'last', undefined])
})

t.test('a connection that this process or the other one destroys gives the end to a reader that waits', async t => {
  for (const destroyed of [0, 1]) {
    const ends = await connectedSockets(t)
    const connection = new LineConnection(ends[0])
    const line = connection.nextLine()
    if (destroyed === 0) connection.destroy()
    else ends[1].resetAndDestroy()
    t.equal(await line, undefined)
    t.equal(await connection.nextLine(), undefined)
    await t.resolves(connection.closed)
    await t.resolves(new LineConnection(ends[0]).closed, 'also for one that was closed before')
  }
})

t.test('a connection that is open is not closed', async t => {
  const [client, other] = await connectedSockets(t)
  let isClosed = false
  const connection = new LineConnection(client)
  void connection.closed.then(() => (isClosed = true))
  other.write('text\n')
  t.equal(await connection.nextLine(), 'text')
  t.notOk(isClosed)
})

t.test('a process that sends text without end is disconnected', async t => {
  const [client, other] = await connectedSockets(t)
  const connection = new LineConnection(client)
  other.on('error', () => undefined)
  other.write('x'.repeat(257))
  await connection.closed
  await once(other, 'close')
  t.equal(await connection.nextLine(), undefined)
})

t.test('a connection to a name that no process has is over', async t => {
  const connection = LineConnection.to(`\0kpn-test-${process.pid}/absent`, true)
  t.equal(await connection.hasFailed, true)
  t.equal(await connection.nextLine(), undefined)
  connection.send('nothing')
  await t.resolves(connection.closed)
})

import t from 'tap'
import { type HalfClosedConnection, HalfClosedLimit } from '../../../lib/dataplane/limits/half-closed-limit.js'

class Connection implements HalfClosedConnection {
  bytesToEndpoint = 0
  bytesToClient = 0
  resets = 0

  reset(): void {
    this.resets++
  }
}

t.test('a connection that is silent for the timeout is reset once, a connection with traffic is not', t => {
  const limit = new HalfClosedLimit(100)
  const [silent, busy] = [new Connection(), new Connection()]
  limit.add(silent)
  limit.add(busy)
  for (let now = 1000; now <= 1300; now += 50) {
    limit.sweep(now)
    t.equal(silent.resets, now < 1100 ? 0 : 1, `after ${now - 1000} ms`)
    busy.bytesToClient++
  }
  t.equal(busy.resets, 0)
  limit.sweep(1400)
  t.equal(busy.resets, 0, 'the time runs from the last byte')
  limit.sweep(1500)
  t.equal(busy.resets, 1)
  t.end()
})

t.test('bytes of either direction count', t => {
  const limit = new HalfClosedLimit(100)
  const connection = new Connection()
  limit.add(connection)
  limit.sweep(0)
  connection.bytesToEndpoint = 1
  limit.sweep(90)
  limit.sweep(180)
  t.equal(connection.resets, 0)
  limit.sweep(190)
  t.equal(connection.resets, 1)
  t.end()
})

t.test('a connection that has ended is not reset', t => {
  const limit = new HalfClosedLimit(100)
  const connection = new Connection()
  limit.add(connection)
  limit.sweep(0)
  limit.delete(connection)
  limit.sweep(1000)
  t.equal(connection.resets, 0)
  t.end()
})

import t from 'tap'
import { type UnpolledTimes } from '../../../lib/dataplane/tcp/gone-peer-rule.js'
import { type UnpolledConnection, UnpolledConnections } from '../../../lib/dataplane/tcp/unpolled-connections.js'

class Connection implements UnpolledConnection {
  bytesToEndpoint = 0
  bytesToClient = 0
  isUnpolled = true
  polledAgain = 0
  readonly checks: UnpolledTimes[] = []

  onPolledAgain(): void {
    this.polledAgain++
  }

  checkPeers(times: UnpolledTimes): void {
    this.checks.push(times)
  }

  get lastCheck(): UnpolledTimes | undefined {
    return this.checks.at(-1)
  }
}

t.test('a connection is checked in each sweep, with the time since the first sweep and since the last byte', t => {
  const connections = new UnpolledConnections()
  const connection = new Connection()
  connections.add(connection)
  connections.sweep(1000)
  t.strictSame(connection.lastCheck, { unpolledMs: 0, quietMs: 0 })
  connections.sweep(1100)
  t.strictSame(connection.lastCheck, { unpolledMs: 100, quietMs: 100 })
  connection.bytesToEndpoint = 1
  connections.sweep(1200)
  t.strictSame(connection.lastCheck, { unpolledMs: 200, quietMs: 0 })
  connection.bytesToClient = 1
  connections.sweep(1300)
  t.strictSame(connection.lastCheck, { unpolledMs: 300, quietMs: 0 })
  // Said again: both times go on.
  connections.add(connection)
  connections.sweep(1400)
  t.strictSame(connection.lastCheck, { unpolledMs: 400, quietMs: 100 })
  connections.delete(connection)
  connections.sweep(1500)
  t.equal(connection.checks.length, 5)
  t.end()
})

t.test('a connection whose sockets are polled again leaves when a whole period has brought no byte', t => {
  const connections = new UnpolledConnections()
  const connection = new Connection()
  connections.add(connection)
  connections.sweep(0)
  connection.isUnpolled = false
  connection.bytesToClient = 1
  connections.sweep(100)
  t.strictSame(connection.lastCheck, { unpolledMs: 0, quietMs: 0 })
  connections.sweep(200)
  connections.sweep(300)
  t.equal(connection.checks.length, 2)
  t.equal(connection.polledAgain, 1)
  connection.isUnpolled = true
  connections.add(connection)
  connections.sweep(400)
  t.strictSame(connection.lastCheck, { unpolledMs: 0, quietMs: 0 }, 'its times begin again')
  t.end()
})

t.test('a connection that ends in its check is not checked again', t => {
  const connections = new UnpolledConnections()
  const ending = new (class extends Connection {
    override checkPeers(times: UnpolledTimes): void {
      super.checkPeers(times)
      connections.delete(this)
    }
  })()
  connections.add(ending)
  connections.sweep(0)
  connections.sweep(100)
  t.equal(ending.checks.length, 1)
  t.end()
})

t.test('when there are very many connections, sweeps take turns over all of them', t => {
  const connections = new UnpolledConnections()
  const all = Array.from({ length: 1200 }, () => new Connection())
  for (const connection of all) connections.add(connection)
  const checksOfEach = () => all.map(({ checks }) => checks.length)
  connections.sweep(0)
  const atOnce = checksOfEach().filter(checks => checks === 1).length
  t.ok(atOnce >= 100 && atOnce <= 1000, `${atOnce} in one sweep`)
  for (let now = 1; now < 7; now++) connections.sweep(now)
  const counts = checksOfEach()
  t.ok(Math.max(...counts) - Math.min(...counts) <= 1 && Math.min(...counts) > 0)
  t.end()
})

t.test('the time without polling starts again after a sweep that found both sockets polled', t => {
  const connections = new UnpolledConnections()
  const connection = new Connection()
  connections.add(connection)
  connections.sweep(0)
  // A long transfer is held back for moments, and moves bytes all the time.
  for (let now = 1000; now <= 60_000; now += 1000) {
    connection.isUnpolled = now % 2000 === 0
    connection.bytesToEndpoint++
    connections.sweep(now)
  }
  t.ok(connection.lastCheck!.unpolledMs <= 1000)
  connection.isUnpolled = true
  connections.sweep(61_000)
  connections.sweep(62_000)
  t.strictSame(connection.lastCheck, { unpolledMs: 3000, quietMs: 2000 })
  t.end()
})

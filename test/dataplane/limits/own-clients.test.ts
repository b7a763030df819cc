import t from 'tap'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { ManualClock } from '../../support/clock/manual-clock.js'

t.test(
  'clients with an address of the node or an endpoint may have a quarter of the files, all others are not counted',
  async t => {
    const clock = new ManualClock()
    let addresses = new Set(['192.168.50.1', 'fd00:50::1'])
    const clients = new OwnClients('TCP', 16, clock, () => addresses)
    const admitted = (client: string, times: number, ...endpoints: readonly string[]): number =>
      Array.from({ length: times }, () => clients.admit(client, new Set(endpoints))).filter(Boolean).length
    t.equal(admitted('10.244.0.5', 100), 100)
    t.equal(admitted('192.168.50.1', 3), 3)
    t.equal(admitted('fd00:50::1', 3), 1, 'together')
    clients.release('10.244.0.5')
    t.equal(admitted('192.168.50.1', 3), 0)
    clients.release('192.168.50.1')
    t.equal(admitted('10.244.0.6', 3, '10.244.0.5', '10.244.0.6'), 1, 'an endpoint')
    t.equal(admitted('10.244.0.6', 3), 3, 'the same address at a Service of which it is no endpoint')
    clients.release('10.244.0.6')
    t.equal(admitted('127.0.0.1', 9, '127.0.0.1'), 9, 'no endpoint is on loopback')
    t.equal(admitted('fd00:50::1', 3), 1)

    addresses = new Set(['192.168.50.1', '192.168.77.1'])
    t.equal(admitted('192.168.77.1', 2), 2, 'not known yet')
    await clock.advance(1000)
    t.equal(admitted('192.168.77.1', 2), 0, 'an address that came')
    for (const client of ['192.168.50.1', '192.168.50.1', 'fd00:50::1', 'fd00:50::1']) clients.release(client)
    t.equal(admitted('192.168.77.1', 9), 4, 'a client whose address is gone is given back too')
    addresses = new Set()
    await clock.advance(1000)
    t.equal(admitted('192.168.77.1', 1), 0, 'addresses that cannot be read are those from before')
  },
)

t.test('UDP flows have a limit besides', t => {
  const clients = new OwnClients('UDP', 1_000_000, new ManualClock(), () => new Set(['192.168.50.1']))
  let count = 0
  while (clients.admit('192.168.50.1', new Set())) count++
  t.equal(count, 8192)
  t.end()
})

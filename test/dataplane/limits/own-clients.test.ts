import t from 'tap'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { ManualClock } from '../../support/clock/manual-clock.js'

t.test(
  'clients with an address of the node or an endpoint may have a quarter of the files, all others are not counted',
  async t => {
    const clock = new ManualClock()
    let addresses = new Set(['192.168.50.1', 'fd00:50::1'])
    const clients = new OwnClients('TCP', 16, clock, () => addresses)
    const admit = (client: string, times: number, ...endpoints: readonly string[]) =>
      Array.from({ length: times }, () => clients.admit(client, new Set(endpoints))).filter(one => one !== undefined)
    const admitted = (...args: Parameters<typeof admit>): number => admit(...args).length
    const others = admit('10.244.0.5', 100)
    t.equal(others.length, 100)
    const own = admit('192.168.50.1', 3)
    t.equal(own.length, 3)
    const ownV6 = admit('fd00:50::1', 3)
    t.equal(ownV6.length, 1, 'together')
    others[0]!.release()
    t.equal(admitted('192.168.50.1', 3), 0)
    own[0]!.release()
    own[0]!.release()
    const endpoint = admit('10.244.0.6', 3, '10.244.0.5', '10.244.0.6')
    t.equal(endpoint.length, 1, 'an endpoint, where one client has ended, which counts once')
    const elsewhere = admit('10.244.0.6', 3)
    t.equal(elsewhere.length, 3, 'the same address at a Service of which it is no endpoint')
    for (const one of elsewhere) one.release()
    t.equal(admitted('10.244.0.6', 3, '10.244.0.6'), 0, 'whose end gives nothing back at the other one')
    endpoint[0]!.release()
    t.equal(admitted('127.0.0.1', 9, '127.0.0.1'), 9, 'no endpoint is on loopback')
    const last = admit('fd00:50::1', 3)
    t.equal(last.length, 1)

    addresses = new Set(['192.168.50.1', '192.168.77.1'])
    t.equal(admitted('192.168.77.1', 2), 2, 'not known yet')
    await clock.advance(1000)
    t.equal(admitted('192.168.77.1', 2), 0, 'an address that came')
    for (const one of [...own, ...ownV6, ...last]) one.release()
    t.equal(admitted('192.168.77.1', 9), 4, 'a client whose address is gone is given back too')
    addresses = new Set()
    await clock.advance(1000)
    t.equal(admitted('192.168.77.1', 1), 0, 'addresses that cannot be read are those from before')
  },
)

t.test('UDP flows have a limit besides', t => {
  const clients = new OwnClients('UDP', 1_000_000, new ManualClock(), () => new Set(['192.168.50.1']))
  let count = 0
  while (clients.admit('192.168.50.1', new Set()) !== undefined) count++
  t.equal(count, 8192)
  t.end()
})

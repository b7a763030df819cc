import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import t from 'tap'
import { TcpTable, type TcpTableState } from '../../../lib/dataplane/transport/tcp-table.js'
import { type SocketAddress } from '../../../lib/dataplane/transport/upstream-sockets.js'

const IPV6_LIST = '/proc/net/tcp6'
type Ends = readonly [local: SocketAddress, remote: SocketAddress]
const ABSENT: Ends = [
  { ip: '127.0.0.1', port: 1 },
  { ip: '127.0.0.1', port: 2 },
]

/** Where a server listens and its client connects, and the address of both ends as the server's socket has it. */
const FORMS = [
  { listenAt: '127.0.0.1', connectTo: '127.0.0.1', ip: '127.0.0.1' },
  { listenAt: '::1', connectTo: '::1', ip: '::1' },
  { listenAt: '::', connectTo: '127.0.0.1', ip: '::ffff:127.0.0.1' },
] as const
for (const { listenAt, connectTo, ip } of FORMS)
  void t.test(
    `A connection of ${ip} is open, ended after the end of its peer's data, and absent after a reset`,
    async t => {
      const server = createServer({ allowHalfOpen: true }).listen(0, listenAt)
      t.teardown(() => server.close())
      await once(server, 'listening')
      const client = connect({ port: (server.address() as AddressInfo).port, host: connectTo, allowHalfOpen: true })
      t.teardown(() => client.destroy())
      client.on('error', () => undefined)
      const [socket] = (await once(server, 'connection')) as [Socket]
      const ends = [
        { ip: socket.localAddress!, port: socket.localPort! },
        { ip: socket.remoteAddress!, port: socket.remotePort! },
      ] as const
      t.match(ends, [{ ip }, { ip }])
      let readings = 0
      const table = new TcpTable(file => {
        if (file === IPV6_LIST) readings++
        return readFile(file, 'latin1')
      })
      t.equal(await askUntilAnswered(table, ends), 'open')
      t.equal(readings, 1, 'the first question has its answer')
      client.end()
      await once(socket.resume(), 'end')
      t.equal(await askUntilAnswered(new TcpTable(), ends), 'ended')
      socket.resetAndDestroy()
      await once(socket, 'close')
      t.equal(await askUntilAnswered(new TcpTable(), ends), 'absent')
    },
  )

void t.test('A connection is absent when two readings in a row have not found it', async t => {
  let readings = 0
  const table = new TcpTable(file => {
    if (file === IPV6_LIST) readings++
    return readFile(file, 'latin1')
  })
  const state = await askUntilAnswered(table, ABSENT)
  t.equal(state, 'absent')
  t.equal(readings, 2)
})

void t.test('Nothing is absent while one of the lists cannot be read', async t => {
  let readings = 0
  const table = new TcpTable(file => {
    if (file !== IPV6_LIST) return readFile(file, 'latin1')
    readings++
    // The first two readings fail, as without a free descriptor.
    return readings <= 2 ? Promise.resolve(undefined) : readFile(file, 'latin1')
  })
  t.equal(await askUntilAnswered(table, ABSENT), 'absent')
  t.equal(readings, 4, 'two failures, and two that have not found it')
})

/** Asks again after each reading, as a sweep does. */
function askUntilAnswered(table: TcpTable, ends: Ends): Promise<TcpTableState> {
  return new Promise(resolve => {
    const timer = setInterval(() => ask(), 50)
    const ask = (): void =>
      table.ask(...ends, ({ state }) => {
        clearInterval(timer)
        resolve(state)
      })
    ask()
  })
}

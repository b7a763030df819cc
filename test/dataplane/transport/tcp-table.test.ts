import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { TcpTable, type TcpTableState } from '../../../lib/dataplane/transport/tcp-table.js'

const IPV6_LIST = '/proc/net/tcp6'
const ABSENT = [
  { ip: '127.0.0.1', port: 1 },
  { ip: '127.0.0.1', port: 2 },
] as const

void t.test('A connection that exists is open, and the same question has its answer at once', async t => {
  const server = createServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const local = { ip: '127.0.0.1', port: socket.localPort! }
  const remote = { ip: '127.0.0.1', port: socket.remotePort! }
  const state = await new Promise<TcpTableState>(resolve => new TcpTable().ask(local, remote, resolve))
  t.equal(state, 'open')
  socket.destroy()
  server.close()
})

void t.test('A connection is absent when two readings in a row have not found it', async t => {
  let readings = 0
  const table = new TcpTable(file => {
    if (file === IPV6_LIST) readings++
    return readFile(file, 'latin1')
  })
  const state = await askUntilAnswered(table)
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
  t.equal(await askUntilAnswered(table), 'absent')
  t.equal(readings, 4, 'two failures, and two that have not found it')
})

/** Asks again after each reading, as a sweep does. */
function askUntilAnswered(table: TcpTable): Promise<TcpTableState> {
  return new Promise(resolve => {
    const timer = setInterval(() => ask(), 50)
    const ask = (): void =>
      table.ask(...ABSENT, state => {
        clearInterval(timer)
        resolve(state)
      })
    ask()
  })
}

import { once } from 'node:events'
import { linkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askProxy, isWithoutProxy } from '../../lib/status/ask-proxy.js'
import { socketFolder } from '../support/status/served-status.js'

/** The failure of a question to a socket. */
async function failureAt(path: string): Promise<unknown> {
  return askProxy(path, '', {}, '1.2.3').then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function listen(t: Test, onConnection: 'reset' | 'other program'): Promise<string> {
  const path = join(socketFolder(t), 'status.sock')
  const server = createServer(socket => {
    if (onConnection === 'reset') return void socket.destroy()
    socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
  })
  await once(server.listen(path), 'listening')
  t.teardown(() => server.close())
  return path
}

t.test('only a socket that no process has open is without a proxy', async t => {
  const folder = socketFolder(t)
  t.ok(isWithoutProxy(await failureAt(join(folder, 'none'))), 'no socket')

  const server = createServer()
  await once(server.listen(join(folder, 'ended')), 'listening')
  linkSync(join(folder, 'ended'), join(folder, 'left'))
  server.close()
  await once(server, 'close')
  t.ok(isWithoutProxy(await failureAt(join(folder, 'left'))), 'a socket that a killed proxy has left')

  for (const what of ['reset', 'other program'] as const) {
    const failure = await failureAt(await listen(t, what))
    t.match(failure, { code: 'STATUS_UNAVAILABLE' }, what)
    t.notOk(isWithoutProxy(failure), what)
  }
})

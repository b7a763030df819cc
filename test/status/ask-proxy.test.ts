import { once } from 'node:events'
import { linkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askProxy, isWithoutProxy } from '../../lib/status/ask-proxy.js'
import { watchProxy } from '../../lib/status/watch-proxy.js'
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

t.test('a path that cannot be that of a socket is refused: Node.js would connect to something else', async t => {
  const folder = socketFolder(t)
  const start = join(folder, 'x'.repeat(108 - folder.length - 1))
  const server = createServer(socket => socket.destroy()).listen(start)
  let connections = 0
  server.on('connection', () => connections++)
  await once(server, 'listening')
  t.teardown(() => server.close())
  for (const [path, problem] of [
    ['', /^"" cannot be a status socket: the path is empty$/],
    [`${start}x`, /x" cannot be a status socket: the path is longer than the 107 bytes that a Unix socket can have$/],
  ] as const) {
    const expected = { code: 'STATUS_UNAVAILABLE', message: problem }
    const failure = await failureAt(path)
    t.match(failure, expected)
    t.notOk(isWithoutProxy(failure), 'explain does not follow other rules instead')
    const watch = { socket: path, parameters: {}, version: '1.2.3', signal: new AbortController().signal }
    await t.rejects(
      watchProxy(watch, () => Promise.resolve()),
      expected,
    )
  }
  t.equal(connections, 0, 'the socket at its first 108 bytes is not asked')
  t.ok(isWithoutProxy(await failureAt(start.slice(0, 107))), 'the longest path is asked')
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { VERSION } from '../../lib/control/version.js'
import { WITHOUT_TAP_LOADER } from '../support/nodes/node-network.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { runProgram } from '../support/processes/run-program.js'
import { RawClient } from '../support/status/raw-client.js'
import { serveStatus, socketFolder } from '../support/status/served-status.js'

t.test('a wrong word, and what a word has not, is an error that lists what there is', async t => {
  for (const [args, stderr] of [
    [['servics'], /"servics": the status has no such part; did you mean services\?\n +There are: services, endpoints/],
    [['services', '-o', 'xml'], /Invalid values/],
    [['rules', 'web'], /"web": rules are not those of one Service\n +Leave it out: kube-proxy status rules\./],
    [['workers', '--limit', '5'], /--limit "5": workers has no limit/],
  ] as const)
    t.match(await runProgram(['status', ...args]), { exitCode: 1, stdout: '', stderr }, args.join(' '))
})

t.test('what is not the status API of this version is refused without a stack', async t => {
  const path = join(socketFolder(t), 'status.sock')
  let body = ''
  const server = createServer((_request, response) => response.end(body)).listen(path)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const ofApi = (more: object): string => JSON.stringify({ apiVersion: 'v1', proxyVersion: '1.0.0', ...more })
  const notTheApi = /What answers at .* is not the status API of a kube-proxy/
  for (const [answer, stderr] of [
    [
      '{"apiVersion":"v9","proxyVersion":"7.0.0","kind":"Error"}',
      new RegExp(`is version 7\\.0\\.0 and has the status API v9; this program is version ${VERSION} and knows v1`),
    ],
    ['hello', notTheApi],
    [ofApi({ kind: 'Error' }), notTheApi],
    [ofApi({ kind: 'Error', message: 'no', exists: [1] }), notTheApi],
    [ofApi({ kind: 'ServiceList', notes: [] }), notTheApi],
    [
      ofApi({ kind: 'Error', message: 'No\u001b[2J', exists: ['\u001b[31mred'] }),
      /No\\u001b\[2J\n +There are: \\u001b\[31mred/,
    ],
  ] as const) {
    body = answer
    const result = await runProgram(['status', 'services', '--status-socket', path])
    t.match(result, { exitCode: 1, stderr }, answer)
    t.notMatch(result.stderr, /\n +at |\x1b/, 'no stack and no control characters')
  }
})

t.test('a client that is one too many learns that', async t => {
  const { path, server } = serveStatus(t, {})
  await server.bound
  const clients = await Promise.all(Array.from({ length: 16 }, () => RawClient.open(t, path)))
  t.match(await runProgram(['status', '--status-socket', path]), {
    exitCode: 1,
    stderr: /The proxy has just ended, or has 16 clients, which are its most: try again/,
  })
  for (const { socket } of clients) socket.destroy()
})

t.test('an output that cannot be written is an error; a reader that has gone is none', async t => {
  const list = { apiVersion: 'v1', kind: 'ServiceList', proxyVersion: '1.0.0', items: [], notes: [] }
  const { path, server } = serveStatus(t, { routes: new Map([['services', () => list]]) })
  await server.bound
  const run = (shell: string) =>
    runProgram(['status', 'services', '-o', 'json', '--status-socket', path], { through: ['bash', '-c', shell] })
  t.match(await run('exec "$0" "$@" > /dev/full'), {
    exitCode: 1,
    stderr: /Cannot write to the standard output.*ENOSPC/,
  })
  t.match(await run('"$0" "$@" | true; exit ${PIPESTATUS[0]}'), { exitCode: 0, stderr: '' })
})

t.test('a watch asks again while one proxy ends and the next one begins', async t => {
  const listOf = (name: string) => {
    const list = { apiVersion: 'v1', kind: 'ServiceList', proxyVersion: '1.0.0', items: [], notes: [name] }
    return { routes: new Map([['services', () => list]]) }
  }
  const { path, server } = serveStatus(t, listOf('first'))
  await server.bound
  const args = [PROXY_PROGRAM, 'status', 'services', '--watch', '-o', 'json', '--status-socket', path]
  const watch = spawn('/usr/bin/env', [...WITHOUT_TAP_LOADER, process.execPath, ...args], { stdio: 'pipe' })
  t.teardown(() => watch.kill('SIGKILL'))
  const lines = createInterface({ input: watch.stdout })[Symbol.asyncIterator]()
  const untilLine = async (text: string): Promise<void> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`The watch has ended before ${text}`)
      if (value.includes(text)) return
    }
  }
  await untilLine('"first"')
  await server.close()
  // What a proxy does with a client in its last moment.
  const ending = createTcpServer(socket => socket.destroy()).listen(path)
  await once(ending, 'connection')
  await new Promise(resolve => ending.close(resolve))
  const next = serveStatus(t, { path, ...listOf('second') })
  t.equal(await next.server.bound, undefined)
  await untilLine('"second"')
  watch.kill('SIGTERM')
  await once(watch, 'exit')
})

t.test('a watch of JSON prints an answer again if something else than a time is different', async t => {
  let asked = 0
  const answer = () => {
    const openedAt = new Date(++asked).toISOString()
    const items = [{ pid: 1, id: 1, openedAt, bytesToClient: asked < 3 ? 5 : 6 }]
    return { apiVersion: 'v1', kind: 'ConnectionList', proxyVersion: '1.0.0', items, notes: [] }
  }
  const { path, server } = serveStatus(t, { routes: new Map([['connections', answer]]) })
  await server.bound
  const args = [PROXY_PROGRAM, 'status', 'connections', '--watch', '-o', 'json', '--status-socket', path]
  const watch = spawn('/usr/bin/env', [...WITHOUT_TAP_LOADER, process.execPath, ...args], { stdio: 'pipe' })
  t.teardown(() => watch.kill('SIGKILL'))
  const seen: string[] = []
  for await (const line of createInterface({ input: watch.stdout })) {
    if (line.includes('bytesToClient')) seen.push(line.trim())
    if (line.includes('"bytesToClient": 6')) break
  }
  t.strictSame(seen, ['"bytesToClient": 5', '"bytesToClient": 6'])
  t.ok(asked >= 3)
})

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { runProgram } from '../support/processes/run-program.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')

t.test('a browser that connects while the demo starts is disconnected, and does not wait', { skip }, async t => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise(resolve => free.close(resolve))
  let isStarted = false
  const demo = DemoPageProcess.start(t, [`--page-port=${port}`]).finally(() => (isStarted = true))
  const socket = await connected(port)
  socket.resume().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  if (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
  t.equal(isStarted, false, 'that was before the page was there')
  t.equal((await fetch(`${(await demo).origin}/`)).status, 200)
})

/** Tries until something listens at the port. */
async function connected(port: number): Promise<Socket> {
  for (;;) {
    // It may be disconnected by a reset.
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    const isOpen = await new Promise<boolean>(resolve =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    if (isOpen) return socket
    await setImmediate()
  }
}

t.test('the page is not opened in a browser that would run as root', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'desktop-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const opened = join(folder, 'opened')
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" > ${opened}\n`, { mode: 0o755 })
  const demo = await DemoPageProcess.start(t, [], {
    env: { DISPLAY: ':9', PATH: `${folder}:${process.env['PATH']}` },
  })
  t.equal(await demo.end(), 0)
  t.equal(existsSync(opened), false)
})

t.test('an ordinary user reaches the page on the loopback of the machine', { skip }, async t => {
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
  try {
    const probe = [...through.slice(1), 'unshare', '--user', '--map-root-user', '--net', '--mount', 'true']
    execFileSync('setpriv', probe, { stdio: 'pipe' })
  } catch (error) {
    t.pass(`# SKIP user namespaces are not allowed here: ${String((error as { stderr?: Buffer }).stderr).trim()}`)
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'desktop-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  const opened = join(folder, 'opened')
  execFileSync('mkfifo', ['-m', '666', opened])
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" > ${opened}\n`)
  chmodSync(join(folder, 'xdg-open'), 0o755)
  const env = { HOME: tmpdir(), DISPLAY: ':9', PATH: `${folder}:${process.env['PATH']}` }
  const demo = await DemoPageProcess.start(t, [], { through, env })
  const link = (await readFile(opened, 'utf8')).trim()
  t.equal(new URL(link).origin, demo.origin, 'the desktop opens the page')
  t.equal((await fetch(link, { redirect: 'manual' })).status, 303)
  t.equal(
    (await fetch(link, { redirect: 'manual' })).status,
    403,
    'other users, who can read its arguments, come too late',
  )
  t.equal((await demo.pull('kill/nginx-deployment-1')).lost.length, 0)
  t.equal(await demo.end(), 0)
  await t.rejects(fetch(`${demo.origin}/`), 'no program listens there any more')
})

t.test('a port that another program has is named, and a port without a page', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  const { port } = new URL(demo.origin)
  await t.rejects(DemoPageProcess.start(t, [`--page-port=${port}`]), /HTTP_BIND_FAILED/)
  await t.rejects(DemoPageProcess.start(t, ['--page-port=http']), /--page-port "http": expected a port/)
  await t.rejects(DemoPageProcess.start(t, ['--keep']), /Leave out --keep/)
  const noPage = await runProgram(['demo', '--page-port=8080'])
  t.match(noPage, { exitCode: 1, stdout: '', stderr: /--page-port "8080": there is no page without --page/ })
})

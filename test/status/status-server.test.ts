import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { StatusServer, type StatusStream } from '../../lib/status/status-server.js'
import { askStatus } from '../support/status/ask-status.js'
import { silentLog } from '../support/dataplane/plane-under-test.js'

const CHUNK = `data: ${'x'.repeat(100_000)}\n\n`

t.test('a viewer that does not read costs bounded memory, and another one is served', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'status-'))
  const path = join(folder, 'status.sock')
  let written = 0
  let hasLeft = (): void => undefined
  const left = new Promise<void>(resolve => (hasLeft = resolve))
  const stream: StatusStream = (_search, write) => {
    const timer = setInterval(() => {
      write(CHUNK)
      written += CHUNK.length
    }, 1)
    return () => {
      clearInterval(timer)
      hasLeft()
    }
  }
  const server = new StatusServer({
    path,
    proxyVersion: '1.2.3',
    routes: new Map([['', () => ({ kind: 'Overview' })]]),
    streams: new Map([['events', stream]]),
    log: silentLog,
  })
  t.teardown(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  await server.bound
  const sent = request({ socketPath: path, path: '/v1/events', agent: false }).end()
  sent.on('error', () => undefined)
  const [response] = (await once(sent, 'response')) as [
    { pause(): void; on(event: 'error', listener: () => void): void },
  ]
  response.on('error', () => undefined)
  response.pause()
  await left
  t.ok(written < 5_000_000, `${written} bytes`)
  t.match(await askStatus(path, '/v1'), { status: 200, body: { kind: 'Overview' } })
})

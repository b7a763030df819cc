import t, { type Test } from 'tap'
import { type StatusStream } from '../../lib/status/status-responder.js'
import { serveStatus } from '../support/status/served-status.js'
import { TraceProcess } from '../support/status/trace-process.js'

const VERSION = '1.2.3'
/** More than the kernel holds for one socket, and the proxy for one viewer. */
const UNREAD = `: ${'x'.repeat(5_000_000)}\n\n`

/** What a trace says that was cut off for leaving too much unread, and goes on. @param secondStart of the proxy that answers then */
async function tracedAgain(t: Test, secondStart: string): Promise<string> {
  let asked = 0
  let flood = (): void => undefined
  const overview = () => ({
    ...{ apiVersion: 'v1', kind: 'Overview', proxyVersion: VERSION, mode: 'userspace', carriedBy: 'sockets' },
    startedAt: ++asked === 1 ? '2026-01-01T00:00:00.000Z' : secondStart,
  })
  const stream: StatusStream = (_search, write) => {
    setImmediate(() => {
      write('event: watching\ndata: {"pid":1}\n\n')
      write(`event: happenings\ndata: {"items":[{"what":"opened","of":${asked}}],"isSampled":false}\n\n`)
    })
    flood = () => [UNREAD, UNREAD].forEach(text => write(text))
    return () => undefined
  }
  const { path, server } = serveStatus(t, { routes: new Map([['', overview]]), streams: new Map([['events', stream]]) })
  t.equal(await server.bound, undefined)
  const trace = TraceProcess.launch(t, ['-A', '-o', 'json', '--status-socket', path])
  await trace.next(/"of":1/)
  flood()
  await trace.next(/"of":2/)
  return (await trace.end('SIGINT')).stderr
}

t.test('a trace that the same proxy has cut off says so, and that something is missing', async t => {
  const stderr = await tracedAgain(t, '2026-01-01T00:00:00.000Z')
  t.match(
    stderr,
    /^The proxy has cut off this program, which was too slow to read: what happened meanwhile is missing\n/,
  )
  t.match(stderr, /\nIn .*; there was more than is shown\n$/)
})

t.test('a trace says that another proxy has begun, also if it has the same process id in its container', async t => {
  const stderr = await tracedAgain(t, '2026-01-02T00:00:00.000Z')
  t.match(stderr, /^The proxy has ended; another one is traced now\n/)
  t.notMatch(stderr, /there was more/)
})

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import t from 'tap'
import { type StatusRoute, type StatusStream } from '../../lib/status/status-responder.js'
import { askStatus } from '../support/status/ask-status.js'
import { EndlessStream } from '../support/status/endless-stream.js'
import { RawClient } from '../support/status/raw-client.js'
import { serveStatus } from '../support/status/served-status.js'

/** A route whose answers wait. */
class HeldRoute {
  asked = 0
  running = 0
  most = 0
  #release: () => void = () => undefined
  #begun: () => void = () => undefined

  readonly route: StatusRoute = async () => {
    this.asked++
    this.most = Math.max(this.most, ++this.running)
    this.#begun()
    await new Promise<void>(resolve => (this.#release = resolve))
    this.running--
    return { kind: 'List', items: [this.asked] }
  }

  /** Resolves when the next answer is begun. */
  begun(): Promise<void> {
    return new Promise(resolve => (this.#begun = resolve))
  }

  release(): void {
    this.#release()
  }
}

t.test('a viewer that does not read is disconnected, and another one is served', async t => {
  const endless = new EndlessStream()
  const { path, server } = serveStatus(t, { streams: new Map([['events', endless.stream]]) })
  t.equal(await server.bound, undefined)
  t.ok(await endless.disconnects(request({ socketPath: path, path: '/v1/events', agent: false })))
  t.match(await askStatus(path, '/v1'), { status: 200, body: { kind: 'Overview' } })
})

t.test('a target that is no URL gets an answer, and the process goes on', async t => {
  const { path, server, log } = serveStatus(t, {})
  await server.bound
  for (const target of ['//', '//[', 'http://[', '/v1//', '/v1?limit=%', '*']) {
    const client = await RawClient.open(t, path)
    client.send(target)
    t.match(await client.ended, /^HTTP\/1\.1 (404|200) /, target)
  }
  t.match(await askStatus(path, '/v1'), { status: 200 })
  t.strictSame(log.errors, [])
})

t.test('a long wrong name is answered at once, with little of it', async t => {
  const names = Array.from({ length: 10_000 }, (_, index) => [`resource-${index}`, () => ({})] as const)
  const { path, server } = serveStatus(t, { routes: new Map(names) })
  await server.bound
  const { status, body } = await askStatus(path, `/v1/${'x'.repeat(14_000)}`)
  t.equal(status, 404)
  t.ok(JSON.stringify(body).length < 2000)
})

t.test('an answer that fails is an error of that request only', async t => {
  const fail = (): never => {
    throw new Error('broken on purpose')
  }
  const { path, server, log } = serveStatus(t, { routes: new Map([['broken', fail]]) })
  await server.bound
  t.match(await askStatus(path, '/v1/broken'), { status: 500, body: { kind: 'Error', message: /broken on purpose/ } })
  t.match(await askStatus(path, '/v1/broken'), { status: 500 })
  t.equal(log.errors.length, 2)
})

t.test(
  'one large answer of a kind is made at a time; those who ask for the same meanwhile share the next one',
  async t => {
    const held = new HeldRoute()
    const { path, server } = serveStatus(t, {
      routes: new Map([
        ['rules', held.route],
        ['services', () => ({ kind: 'List', items: [] })],
        ['', () => ({ kind: 'Overview' })],
      ]),
    })
    await server.bound
    const begun = held.begun()
    const first = askStatus(path, '/v1/rules')
    await begun
    const others = Array.from({ length: 10 }, () => askStatus(path, '/v1/rules'))
    t.match(await askStatus(path, '/v1'), { status: 200 }, 'a small answer does not wait')
    t.match(await askStatus(path, '/v1/services'), { status: 200 }, 'neither does one of another kind')
    t.equal(held.running, 1)
    const next = held.begun()
    held.release()
    t.match(await first, { status: 200, body: { items: [1] } })
    await next
    held.release()
    for (const { body } of await Promise.all(others)) t.match(body, { items: [2] })
    t.strictSame([held.asked, held.most], [2, 1])
  },
)

t.test('requests that a client sends without reading are answered one after the other; many end it', async t => {
  const held = new HeldRoute()
  const { path, server } = serveStatus(t, {
    routes: new Map([['held', held.route]]),
    smallRoutes: new Set(['held']),
  })
  await server.bound
  const client = await RawClient.open(t, path)
  let begun = held.begun()
  client.send('/v1/held', '/v1/held', '/v1/held')
  for (let count = 1; count <= 3; count++) {
    await begun
    t.strictSame([held.asked, held.running], [count, 1])
    begun = held.begun()
    held.release()
  }
  t.equal([...(await client.ended).matchAll(/HTTP\/1\.1 200 /g)].length, 3)

  const greedy = await RawClient.open(t, path)
  greedy.send(...Array.from({ length: 500 }, () => '/v1/held'))
  t.equal(await greedy.ended, '', 'it is disconnected')
  held.release()
  t.match(await askStatus(path, '/v2'), { status: 404 })
  t.ok(held.asked <= 4, `${held.asked} answers were begun`)
})

t.test('what no client waits for any more is not made', async t => {
  const held = new HeldRoute()
  const { path, server } = serveStatus(t, { routes: new Map([['rules', held.route]]) })
  await server.bound
  let begun = held.begun()
  const first = askStatus(path, '/v1/rules')
  await begun
  const leaving = await RawClient.open(t, path)
  leaving.send('/v1/rules?x=1')
  // Its request is read when the answer to a later client is there.
  t.match(await askStatus(path, '/v2'), { status: 404 })
  leaving.socket.destroy()
  await leaving.ended
  t.match(await askStatus(path, '/v2'), { status: 404 })
  begun = held.begun()
  const last = askStatus(path, '/v1/rules')
  held.release()
  await Promise.all([first, begun])
  held.release()
  t.match(await last, { status: 200 })
  t.equal(held.asked, 2)
})

t.test('a long list has all its items, and other work passes while its text is made', async t => {
  const items = Array.from({ length: 2050 }, (_, id) => ({ id }))
  let turns = 0
  const count = (): void => {
    turns++
    handle = setImmediate(count)
  }
  let handle: NodeJS.Immediate | undefined
  t.teardown(() => clearImmediate(handle))
  const { path, server } = serveStatus(t, {
    routes: new Map<string, StatusRoute>([
      [
        'list',
        () => {
          handle = setImmediate(count)
          turns = 0
          return { kind: 'List', items, notes: ['a'] }
        },
      ],
      ['none', () => ({ kind: 'List', items: [], notes: [] })],
    ]),
  })
  await server.bound
  const { headers, body } = await askStatus(path, '/v1/list')
  clearImmediate(handle)
  t.ok(turns >= 5, `${turns} turns`)
  t.strictSame(body, { kind: 'List', notes: ['a'], items })
  t.equal(Number(headers['content-length']), JSON.stringify(body).length + 1)
  t.strictSame((await askStatus(path, '/v1/none')).body, { kind: 'List', notes: [], items: [] })
  t.match(await askStatus(path, '/v1/list', 'HEAD'), { status: 200, body: '' })
})

t.test('HEAD of events gets the headers, and ends', async t => {
  let watching = 0
  const stream: StatusStream = () => {
    watching++
    return () => watching--
  }
  const { path, server } = serveStatus(t, { streams: new Map([['events', stream]]) })
  await server.bound
  t.match(await askStatus(path, '/v1/events', 'HEAD'), {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
  })
  t.equal(watching, 0)
})

t.test('no further large answer is made while clients have much to read', async t => {
  const large = 'x'.repeat(1_000_000)
  let made = 0
  const route: StatusRoute = () => {
    made++
    return { kind: 'List', items: Array.from({ length: 33 }, () => large) }
  }
  const small = new HeldRoute()
  const { path, server } = serveStatus(t, {
    routes: new Map([
      ['large', route],
      ['next', small.route],
    ]),
  })
  await server.bound
  const slow = request({ socketPath: path, path: '/v1/large', agent: false }).end()
  const [response] = (await once(slow, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  response.pause()
  const begun = small.begun()
  const next = askStatus(path, '/v1/next')
  t.match(await askStatus(path, '/v2'), { status: 404 }, 'a later request has been read')
  t.strictSame([made, small.asked], [1, 0])
  response.destroy()
  await begun
  small.release()
  t.match(await next, { status: 200 })
})

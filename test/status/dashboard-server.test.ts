import { once } from 'node:events'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ManualClock } from '../support/clock/manual-clock.js'
import { ServedDashboard, TOKEN, writeToken } from '../support/status/served-dashboard.js'
import { socketFolder } from '../support/status/served-status.js'

const PAGE_PATHS = ['/', '/page.js', '/page.css', '/icon.svg']
const BEARER = { authorization: `Bearer ${TOKEN}` }

t.test('the files of the page and the answers of the status API have the headers that protect them', async t => {
  const dashboard = await ServedDashboard.start(t)
  for (const path of [...PAGE_PATHS, '/v1', '/v1/nothing', '/nothing']) {
    const { status, headers, body } = await dashboard.ask(path)
    t.equal(status, path.endsWith('nothing') ? 404 : 200, path)
    t.match(
      headers,
      {
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      },
      path,
    )
    const policy = headers['content-security-policy'] as string
    t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /, path)
    t.match(policy, /frame-ancestors 'none'/, path)
    t.notMatch(policy, /unsafe|\*|data:|https?:/, path)
    t.match(await dashboard.ask(path, {}, 'HEAD'), {
      status,
      headers: { 'content-length': String(Buffer.byteLength(body)) },
      body: '',
    })
  }
  t.match(await dashboard.ask('/v1'), { body: /"kind":"Overview"/ })
  const { body: html } = await dashboard.ask('/')
  t.notMatch(html, /<style|style=|<script(?![^>]* src=)|\bon\w+=/, 'no inline script or style')
})

t.test('only the files of the page are files', async t => {
  const dashboard = await ServedDashboard.start(t)
  for (const path of [
    '/../page-files.js',
    '/page.js/../../page-files.js',
    '/%2e%2e/page-files.js',
    '//page.js',
    '/constructor',
    '/THIRD-PARTY-LICENSES.txt',
  ])
    t.match(await dashboard.ask(path), { status: 404 }, path)
})

t.test('a Host that another site can have is refused, whatever is asked for', async t => {
  const dashboard = await ServedDashboard.start(t)
  const { port } = dashboard
  const refused = [
    ...['rebound.example', `rebound.example:${port}`, 'localhost.example', '127.0.0.1.example', 'localhost.', 'node-a'],
    ...[`192.168.1.10:${port}`, '0.0.0.0', '[::]', '[localhost]', '127.0.0.1:80:80', '2130706433', '['],
  ]
  for (const host of refused)
    for (const path of ['/', '/v1', '/page.js']) {
      const { status, body } = await dashboard.ask(path, { host })
      t.equal(status, 403, `${host} ${path}`)
      t.notMatch(body, /Overview|<html/, host)
    }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST:8080', `[::1]:${port}`, '127.0.0.2'])
    t.match(await dashboard.ask('/v1', { host }), { status: 200 }, host)
})

t.test('other hosts may use the addresses and the name of the node, and still no other name', async t => {
  const dashboard = await ServedDashboard.start(t, { allowsRemote: true, tokenFile: writeToken(t) })
  for (const host of ['192.168.1.10:10247', '[fd00::1]:10247', 'node-a:10247', 'localhost'])
    t.match(await dashboard.ask('/v1', { host, ...BEARER }), { status: 200 }, host)
  for (const host of ['node-b', 'rebound.example', 'node-a.example'])
    t.match(await dashboard.ask('/v1', { host, ...BEARER }), { status: 403 }, host)
})

t.test('a request of another origin is refused; a link from another site opens the page', async t => {
  const dashboard = await ServedDashboard.start(t)
  const host = `localhost:${dashboard.port}`
  const ask = async (headers: object) => (await dashboard.ask('/v1', { host, ...headers })).status
  for (const origin of [
    'http://example.com',
    'null',
    `http://localhost:${dashboard.port + 1}`,
    `http://127.0.0.1:${dashboard.port}`,
  ])
    t.equal(await ask({ origin }), 403, origin)
  t.equal(await ask({ origin: `http://${host}` }), 200)
  t.equal(await ask({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }), 403)
  t.equal(await ask({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }), 403)
  t.equal(
    await ask({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
    200,
  )
  t.equal(await ask({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }), 200)
})

t.test('no method but GET and HEAD', async t => {
  const dashboard = await ServedDashboard.start(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
    for (const path of ['/', '/v1'])
      t.match(
        await dashboard.ask(path, {}, method),
        { status: 405, headers: { allow: 'GET, HEAD' } },
        `${method} ${path}`,
      )
})

t.test('with a token, only who has it gets answers; the files of the package need none', async t => {
  const dashboard = await ServedDashboard.start(t, { tokenFile: writeToken(t) })
  for (const path of PAGE_PATHS) t.match(await dashboard.ask(path), { status: 200 }, path)
  const wrong = [
    '',
    'Bearer',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN} x`,
  ]
  for (const path of ['/v1', '/v1/events', '/link', '/nothing'])
    for (const authorization of wrong) {
      const { status, headers, body } = await dashboard.ask(path, { authorization })
      t.match(
        { status, headers },
        { status: 401, headers: { 'www-authenticate': 'Bearer' } },
        `${path} ${authorization}`,
      )
      t.notMatch(body, TOKEN)
      for (const method of ['POST', 'HEAD'])
        t.equal(
          (await dashboard.ask(path, { authorization }, method)).status,
          401,
          `${method} ${path} ${authorization}`,
        )
    }
  t.match(await dashboard.ask('/v1', BEARER), { status: 200, body: /Overview/ })
  t.match(await dashboard.ask('/v1', { authorization: `bearer  ${TOKEN}` }), { status: 200 })
})

t.test('a link signs one browser in, once', async t => {
  const dashboard = await ServedDashboard.start(t, { tokenFile: writeToken(t) })
  const { port } = dashboard
  t.match(await dashboard.ask('/link', BEARER, 'HEAD'), { status: 200, body: '' })
  const { body: link } = await dashboard.ask('/link', BEARER)
  const url = new URL(link)
  t.equal(url.host, `127.0.0.1:${port}`)
  t.notMatch(link, TOKEN)
  const path = `${url.pathname}${url.search}`
  t.match(await dashboard.ask(path, {}, 'HEAD'), { status: 403 }, 'HEAD does not use it up')
  const { status, headers } = await dashboard.ask(path)
  t.match({ status, headers }, { status: 303, headers: { location: '/' } })
  const [cookie = ''] = headers['set-cookie'] ?? []
  t.match(cookie, new RegExp(`^kube-proxy-page-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`))
  const signedIn = { cookie: `other=1; ${cookie.split(';')[0]!}` }
  t.match(await dashboard.ask('/v1', signedIn), { status: 200, body: /Overview/ })
  t.match(await dashboard.ask('/link', signedIn), { status: 401 }, 'a session gives no link')
  t.match(await dashboard.ask(path), { status: 403, body: /works once/ })
  for (const secret of ['', 'x', 'constructor', TOKEN])
    t.match(await dashboard.ask(`/enter?secret=${secret}`), { status: 403 }, secret)
  for (const value of ['', 'x', 'constructor', cookie.slice(0, -60)])
    t.match(await dashboard.ask('/v1', { cookie: `kube-proxy-page-${port}=${value}` }), { status: 401 }, value)
})

t.test('a token that all users can read is used, with one warning', async t => {
  const tokenFile = writeToken(t)
  chmodSync(tokenFile, 0o644)
  const dashboard = await ServedDashboard.start(t, { tokenFile })
  t.match(await dashboard.ask('/v1', BEARER), { status: 200 })
  t.match(dashboard.log.entriesWith('All users of this machine can read the token'), [
    { severity: 'warn', fields: { file: tokenFile, hint: /chmod/ } },
  ])
  const kept = await ServedDashboard.start(t, { tokenFile: writeToken(t) })
  t.strictSame(kept.log.entriesWith('All users'), [])
})

t.test('a package without the files of the page is said, and nothing listens', async t => {
  const pageFolder = pathToFileURL(`${socketFolder(t)}/`)
  const dashboard = await ServedDashboard.start(t, { pageFolder, clock: new ManualClock() })
  t.match(await dashboard.server.bound, { code: 'DASHBOARD_FILES_MISSING' })
  t.equal(dashboard.server.boundAddress, undefined)
  t.match(dashboard.log.entriesWith('No dashboard'), [{ fields: { code: 'DASHBOARD_FILES_MISSING', error: /ENOENT/ } }])
})

t.test('without a token there is nothing to sign in to', async t => {
  const dashboard = await ServedDashboard.start(t)
  for (const path of ['/link', '/enter?secret=x']) t.match(await dashboard.ask(path, BEARER), { status: 404 }, path)
})

t.test('a token that cannot be read keeps the dashboard away, until it can', async t => {
  const tokenFile = writeToken(t, 'too-short')
  const clock = new ManualClock()
  const dashboard = await ServedDashboard.start(t, { tokenFile, clock })
  t.match(await dashboard.server.bound, { code: 'DASHBOARD_TOKEN_INVALID' })
  t.equal(dashboard.server.boundAddress, undefined)
  for (const content of ['two words are no token', 'x'.repeat(1025)]) {
    writeFileSync(tokenFile, content)
    const again = clock.waitForTimer()
    await clock.advance(5000)
    await again
  }
  rmSync(tokenFile)
  const again = clock.waitForTimer()
  await clock.advance(5000)
  await again
  const warnings = dashboard.log.entriesWith('No dashboard')
  t.match(warnings[0], { severity: 'warn', fields: { code: 'DASHBOARD_TOKEN_INVALID', hint: /openssl rand/ } })
  t.match(warnings.at(-1), { fields: { error: /ENOENT/ } })
  t.notMatch(JSON.stringify(warnings), /too-short|two words/, 'what stands in the file is not logged')
  writeFileSync(tokenFile, TOKEN)
  await clock.advance(5000)
  while (!dashboard.log.has('Serving the dashboard')) await dashboard.log.waitForEntry()
  t.match(await dashboard.ask('/v1', BEARER), { status: 200 })
})

t.test('a port that is taken is one warning, and is tried again', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const address = `127.0.0.1:${(other.address() as AddressInfo).port}`
  const clock = new ManualClock()
  const dashboard = await ServedDashboard.start(t, { address, clock })
  t.match(await dashboard.server.bound, { code: 'HTTP_BIND_FAILED' })
  for (let count = 0; count < 2; count++) {
    const again = clock.waitForTimer()
    await clock.advance(5000)
    await again
  }
  t.match(dashboard.log.entriesWith('No dashboard'), [
    { severity: 'warn', fields: { code: 'HTTP_BIND_FAILED', hint: /--dashboard-bind-address/ } },
  ])
  other.close()
  await once(other, 'close')
  await clock.advance(5000)
  while (!dashboard.log.has('Serving the dashboard')) await dashboard.log.waitForEntry()
  t.match(await dashboard.ask('/v1'), { status: 200 })
  t.equal(dashboard.log.entriesWith('No dashboard').length, 1)
  t.strictSame(dashboard.log.errors, [])
})

t.test('a dashboard that is closed while it starts does not listen; an empty address is none', async t => {
  const bindAfter = Promise.resolve()
  const { server } = ServedDashboard.launch(t, { bindAfter })
  // The server, which has waited for this first, reads its files now.
  await bindAfter
  await server.close()
  await server.bound
  t.equal(server.boundAddress, undefined)
  const none = await ServedDashboard.start(t, { address: '' })
  t.equal(none.server.boundAddress, undefined)
})

t.test('the page is small', async t => {
  const { gzipSync } = await import('node:zlib')
  const folder = new URL('../../lib/status/dashboard/page/', import.meta.url)
  const sizes = ['index.html', 'page.js', 'page.css', 'icon.svg'].map(
    name => gzipSync(readFileSync(new URL(name, folder))).byteLength,
  )
  const size = sizes.reduce((sum, each) => sum + each, 0)
  t.ok(size < 250_000, `${size} bytes compressed`)
  t.match(readFileSync(new URL('THIRD-PARTY-LICENSES.txt', folder), 'utf8'), /^preact .*MIT/m)
})

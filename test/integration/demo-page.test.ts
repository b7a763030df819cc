import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { hostname } from 'node:os'
import t from 'tap'
import { type Overview } from '../../lib/status/overview.js'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { type OpenPage, PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { askDashboard, ServedDashboard } from '../support/status/served-dashboard.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')
/** Where the texts and tables of the page get too wide, if they do. */
const WINDOWS = [
  { locale: 'en-GB', colorScheme: 'dark', viewport: { width: 400, height: 800 } },
  { locale: 'ko-KR', colorScheme: 'light', viewport: { width: 400, height: 800 } },
] as const
const LEVER = JSON.stringify({ id: 'scale/3' })

/** Chooses a lever, says what is expected, runs it, and waits for its result, without a mouse. */
async function pull({ page }: OpenPage, group: string, button: string, expected = 'none'): Promise<string> {
  const groups = page.getByRole('group', { name: group, exact: true })
  await groups.getByRole('button', { name: button, exact: true, disabled: false }).press('Enter')
  // Those of the lever before are disabled.
  await page.getByRole('radio', { name: expected, disabled: false }).press('Space')
  await page.getByRole('button', { name: 'Run', disabled: false }).press('Enter')
  await page.locator('.panel [role=status] :is(h4, .message)').waitFor()
  const text = await page.locator('.panel').innerText()
  if ((await page.locator('.panel h4').count()) === 0) throw new Error(text)
  return text
}

/** Sends a request with headers that fetch does not let a program choose. */
async function statusOf(origin: string, method: string, path: string, headers: Record<string, string>, body = '') {
  const sent = request(`${origin}${path}`, { method, headers })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await text(response)
  return response.statusCode
}

t.test('the page of the demo shows its proxy and its clients, and ends without a trace', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  const page = await fetch(`${demo.origin}/`)
  t.match(await page.text(), /<script type="module" src="\/page.js">/)
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  const overview = (await (await demo.ask('/v1')).json()) as Overview
  t.equal(overview.mode, 'userspace')
  t.ok(overview.paths.includes('/demo'), 'the page knows that it has levers')

  const effect = await demo.pull('scale/4')
  t.equal(effect.lost.length, 0)
  t.same(
    effect.clients.map(({ name }) => name),
    ['client-a', 'client-b', 'outside'],
  )
  t.ok(typeof effect.proxy === 'object' && effect.proxy.connections >= 9, 'the proxy counted them')
  t.equal(effect.requests, 9, 'three of each client')
  t.equal((await demo.document()).pods.length, 4)

  const rules = (await (await demo.ask('/v1/rules')).json()) as { items: unknown[] }
  t.ok(rules.items.length > 10, 'other answers are those of the proxy')
  t.equal((await demo.ask('/v1/nothing')).status, 404)
  const events = await demo.ask('/v1/events')
  t.match(events.headers.get('content-type'), /event-stream/)
  const { value } = await events.body!.getReader().read()
  t.match(new TextDecoder().decode(value), /^(event|data|:|id|retry)/)

  t.equal(await demo.end(), 0)
  t.equal(demo.left(), '')
})

t.test('only the page itself can pull a lever', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  const { host } = new URL(demo.origin)
  const json = { 'Content-Type': 'application/json', Cookie: demo.cookie }
  const refused: readonly (readonly [string, number, string, Record<string, string>, string])[] = [
    ['another origin', 403, '/demo/run', { ...json, Origin: 'http://example.com' }, LEVER],
    ['another port of this host', 403, '/demo/run', { ...json, Origin: 'http://127.0.0.1:1' }, LEVER],
    ['no origin', 403, '/demo/run', json, LEVER],
    ['a name that leads here', 403, '/demo/run', { ...json, Host: 'evil.test', Origin: 'http://evil.test' }, LEVER],
    [
      'a form of another site',
      403,
      '/demo/run',
      { ...json, Origin: `http://${host}`, 'Sec-Fetch-Site': 'cross-site' },
      LEVER,
    ],
    [
      'a type that needs no permission',
      415,
      '/demo/run',
      { ...json, Origin: demo.origin, 'Content-Type': 'text/plain' },
      LEVER,
    ],
    ['an unknown lever', 404, '/demo/run', { ...json, Origin: demo.origin }, '{"id": "scale/7"}'],
    ['a command', 404, '/demo/run', { ...json, Origin: demo.origin }, '{"id": "kill/x; reboot"}'],
    ['no JSON', 400, '/demo/run', { ...json, Origin: demo.origin }, 'scale/3'],
    ['no id', 400, '/demo/run', { ...json, Origin: demo.origin }, '{"id": 3}'],
    ['a long request', 413, '/demo/run', { ...json, Origin: demo.origin }, `{"id": "${'x'.repeat(5000)}"}`],
    ['a change at another path', 405, '/v1/services', { ...json, Origin: demo.origin }, LEVER],
  ]
  for (const [what, status, path, headers, body] of refused)
    t.equal(await statusOf(demo.origin, 'POST', path, { Host: host, ...headers }, body), status, what)
  t.equal(await statusOf(demo.origin, 'GET', '/demo/run', { Host: host, Cookie: demo.cookie }), 405, 'a link')
  t.equal(
    await statusOf(demo.origin, 'GET', '/demo', { Host: 'evil.test', Cookie: demo.cookie }),
    403,
    'reading by a name that leads here',
  )
  t.equal((await demo.document()).pods.length, 3, 'nothing has changed')

  const first = demo.run('scale/2')
  while ((await demo.document()).running === null);
  t.equal((await demo.post(LEVER)).status, 409, 'a second one waits for the end of the first')
  t.equal((await first).at(-1)?.kind, 'effect')
  t.equal((await demo.document()).running, null)
})

t.test('only a browser that has opened the link of the demo can see it, or change its cluster', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  const { paths } = (await (await demo.ask('/v1')).json()) as Overview
  t.ok(paths.length > 15 && paths.includes('/demo/reply'), String(paths))
  const forged = { 'Content-Type': 'application/json', Origin: demo.origin }
  const cookies = [
    '',
    `${demo.cookie}x`,
    demo.cookie.replace(/=.*/, `=${new URL(demo.link).searchParams.get('secret')}`),
  ]
  for (const Cookie of cookies)
    for (const path of paths)
      for (const method of ['GET', 'HEAD', 'POST']) {
        const status = await statusOf(demo.origin, method, path, { ...forged, Cookie }, method === 'POST' ? LEVER : '')
        t.equal(status, 401, `${method} ${path} with the cookie "${Cookie}"`)
      }
  for (const headers of [{ Authorization: 'Bearer undefined' }, { Authorization: `Bearer ${demo.cookie}` }])
    t.equal(await statusOf(demo.origin, 'POST', '/demo/run', { ...forged, ...headers }, LEVER), 401)
  t.match(await (await fetch(`${demo.origin}/demo`)).text(), /Open the link that the demo has printed on its terminal/)
  t.equal(await statusOf(demo.origin, 'GET', '/link', { Cookie: demo.cookie }), 401, 'no session gives a link')
  const again = await fetch(demo.link, { redirect: 'manual' })
  t.equal(again.status, 303, 'the link works again, for another browser')
  t.not(again.headers.get('set-cookie')?.split(';')[0], demo.cookie)
  t.match(again.headers.get('set-cookie'), /HttpOnly; SameSite=Strict$/)
  t.equal((await demo.document()).pods.length, 3, 'nothing has changed')
})

t.test(
  'every lever does what it says, and the page shows what clients met',
  { skip: skip || browserUnavailable },
  async t => {
    const demo = await DemoPageProcess.start(t)
    const browser = await PageBrowser.launch(t, undefined)
    const opened = await browser.open(demo.link)
    const { page } = opened
    const one = 'nginx-deployment-1'
    await opened.goTo('Levers')
    await opened.untilRow('outside (192.168.50.2)', 'http://192.168.50.1:30080/', /nginx-deployment-\d/)
    t.match(
      await pull(opened, 'Scale', '4 Pods'),
      /scale deployment nginx-deployment --replicas=4[^]*You were right: none/,
    )
    await opened.untilRow('nginx-deployment-4', 'running')

    t.match(await pull(opened, 'nginx-deployment-4', 'Kill'), /kill -9 \d+[^]*the proxy counted \d+ connections/)
    await opened.untilRow('nginx-deployment-4', 'killed; the cluster has not noticed')
    await pull(opened, 'nginx-deployment-4', 'Let the cluster notice')
    await opened.untilRow('nginx-deployment-5', 'running')

    const slow = await pull(opened, one, 'Make slow')
    t.ok(Number(/slowest request took ([\d,]+) ms/.exec(slow)?.[1]?.replace(',', '')) >= 800, slow)
    await opened.untilRow(one, 'slow')
    const silent = await pull(opened, one, 'Make silent')
    t.match(silent, /-I INPUT -p tcp --dport 80 -j DROP[^]*[1-9]\d* failed tr/, 'the proxy tried another Pod')
    await opened.untilRow(one, 'silent')
    t.match(await pull(opened, one, 'Make refuse'), /-D INPUT .* -j DROP && .*-I INPUT .* -j REJECT[^]*right: none/)
    await opened.untilRow(one, 'refusing')
    const { ip } = (await demo.document()).pods.find(({ name }) => name === one)!
    t.equal(demo.connect('client-a', ip), 'ECONNREFUSED')
    t.match(await pull(opened, one, 'Restore'), /iptables -D INPUT/)
    await opened.untilRow(one, 'running')
    t.equal(demo.connect('client-a', ip), 'connected')

    await pull(opened, 'Session affinity', 'ClientIP')
    await opened.goTo('Services')
    await opened.untilRow('default/nginx-service', '10,800 s')
    await opened.goTo('Levers')
    await pull(opened, 'Internal traffic policy', 'Local')
    const moved = await pull(opened, 'Node of the Pods', 'another-node', 'some')
    t.match(moved, /You were right: some/, 'only the host outside gets answers')
    t.match(await pull(opened, 'External traffic policy', 'Local', 'some'), /You said some; it was all/)
    t.match(await pull(opened, 'Scale', '3 Pods', 'all'), /You were right: all/)
    await opened.goTo('Doctor')
    await page
      .getByRole('button', { name: 'Examine default/nginx-service for client-a', disabled: false })
      .press('Enter')
    await page.getByRole('heading', { name: 'something is wrong' }).waitFor()
    await page
      .getByText(/policy/i)
      .first()
      .waitFor()
    await opened.goTo('Levers')
    const back = await pull(opened, 'Node of the Pods', hostname().toLowerCase())
    t.match(back, /You were right: none/, 'losses before and during the change do not count')

    t.match(
      await pull(opened, 'Proxy mode', 'iptables'),
      /You were right: none[^]*In this mode the kernel carries connections/,
    )
    await page.getByText(/ · iptables mode · /).waitFor()
    await opened.goTo('Ask')
    await page.getByRole('button', { name: /^1\. Which interface/, disabled: false }).press('Enter')
    await page.getByText(/Proof: .*: 0$/).waitFor()
    await page.getByText('It runs …').waitFor({ state: 'detached' })
    const after = await demo.document()
    t.equal(after.mode, 'iptables', 'the cluster is as it was before the question')
    t.same(
      after.levers.flatMap(({ id, isCurrent }) => (isCurrent ? id : [])).filter(id => /affinity|ternal/.test(id)),
      ['affinity/ClientIP', 'internal/Local', 'external/Local'],
    )
    // A proxy that is started again ends its events, and gives no answers meanwhile; the browser reports each.
    opened.checkTidy(t, new URL(demo.origin).host, /^Failed to load resource/)
  },
)

t.test('no view of the demo has what shuts a reader out', { skip: skip || browserUnavailable }, async t => {
  const demo = await DemoPageProcess.start(t)
  const browser = await PageBrowser.launch(t, undefined)
  for (const window of WINDOWS) {
    const opened = await browser.open(demo.link, window)
    const check = async (view: string) => {
      t.strictSame(await opened.violations(), [], `${view}, ${window.locale}, ${window.colorScheme}`)
      t.equal(await opened.page.evaluate('document.documentElement.scrollWidth > innerWidth'), false, `${view} fits`)
    }
    const show = async (path: string, button: RegExp) => {
      await opened.page.goto(`${demo.origin}/#/${path}`)
      await opened.page.getByRole('button', { name: button, disabled: false }).first().press('Enter')
    }
    await show('levers', /^(4 Pods|파드 4개)$/)
    await opened.page.locator('.panel').waitFor()
    await check('levers')
    await show('doctor', /nginx-service/)
    await opened.page.locator('.panel').waitFor()
    await check('doctor')
    await show('ask', /^1\. /)
    await opened.page.locator('.panel h3').waitFor()
    await opened.page.getByText(/^(It runs|실행 중) …$/).waitFor({ state: 'detached' })
    await check('ask')
    await show('learn/1', /^(Start the lesson|수업 시작)$/)
    await opened.page.locator('fieldset:enabled').waitFor()
    await check('the question of a lesson')
    await opened.page.locator('fieldset button:enabled').first().press('Enter')
    await opened.page.locator('.panel h4').waitFor()
    await check('the result of a step')
    await opened.page
      .getByRole('button', { name: /^(Leave the lesson|수업 그만두기)$/, disabled: false })
      .press('Enter')
    await opened.page.getByRole('button', { name: /^(Start it again|다시 시작)$/, disabled: false }).waitFor()
    const texts = await opened.page.locator('h2, h3, button, .about, .help').allInnerTexts()
    if (window.locale === 'ko-KR')
      t.strictSame(
        texts.filter(text => /^[ -~]+$/.test(text) && text !== 'English'),
        [],
        'all texts are Korean',
      )
    opened.checkTidy(t, new URL(demo.origin).host)
  }
})

t.test('the page of a proxy has no levers', { skip }, async t => {
  const served = await ServedDashboard.start(t)
  t.equal((await served.ask('/demo')).status, 404)
  t.equal((await served.ask('/demo/run', {}, 'POST')).status, 405)
  t.equal((await askDashboard(served.port, '/v1/demo', { Host: '127.0.0.1' }, 'GET')).status, 404)
})

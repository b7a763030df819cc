import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { DEAD_POD, PAGE_ADDRESS, pageObjects } from '../support/page/page-objects.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { TOKEN, writeToken } from '../support/status/served-dashboard.js'

const skip = namespacesUnavailable || browserUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')
const URL_OF_PAGE = `http://${PAGE_ADDRESS}/`
const MANY = 1000

t.test('each view shows what is true of the running proxy, as it changes', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS, '--hostname-override=node-a'])
  node.write(node.ips, ...pageObjects(node))
  const proxy = await node.start()
  await proxy.waitForLine(/Serving the dashboard over HTTP" address="127\.0\.0\.1:10247"/)
  for (let count = 0; count < 4; count++) t.match(await node.client.tcp(node.web.clusterIP, 80), /^[ab]$/)
  const connection = await node.connect()
  const browser = await PageBrowser.launch(t, node.network.node)
  const opened = await browser.open(URL_OF_PAGE)
  const { page } = opened

  await page.getByText('Node node-a · userspace mode').waitFor()
  await page.getByText(/live$/).waitFor()
  await opened.untilRow('default/web', '10.96.0.10', '80/TCP', '30080', '2 of 2')
  await opened.untilRow('default/shop', '2 of 3')
  await opened.untilRow('default/empty', '0 of 0')
  t.equal(await page.title(), 'Services – kube-proxy')

  await page.keyboard.press('/')
  await page.keyboard.type('shop 10.96')
  await page.getByRole('status').filter({ hasText: '1 row that matches, of 4' }).waitFor()
  t.equal(await page.getByRole('row').count(), 2, 'the titles and one row')
  await page.keyboard.press('Escape')
  await page.getByRole('status').filter({ hasText: '4 rows' }).waitFor()

  await page.getByRole('link', { name: 'default/shop' }).press('Enter')
  await page.getByRole('heading', { name: 'Service default/shop' }).waitFor()
  await opened.untilRow(`${node.ips[0]}:8080`, 'in', 'used: ready', 'shop-1')
  await opened.untilRow(`${DEAD_POD}:8080`, 'out', 'not used: not ready')
  await opened.untilRow('10.96.0.20:80', 'cluster IP', 'yes', 'to any endpoint')
  t.ok(await page.evaluate(`document.activeElement.tagName === 'H2'`), 'a reader is at the title of the new view')

  await opened.goTo('Who listens where')
  await opened.untilRow('listening', 'default/web', 'cluster IP 10.96.0.10:80/TCP', 'worker 0')
  await opened.untilRow('0.0.0.0:30080', 'holds the node port')
  await opened.untilRow('closed', 'default/empty', 'no endpoint may be used')

  await opened.goTo('Rules')
  await opened.untilRow('KUBE-PORTALS', '10.96.0.10', '-A ')
  await opened.untilRow('nat PREROUTING', /\d/)

  await opened.goTo('Connections')
  await opened.untilRow('default/web', ':8080', 'open', '5')
  await opened.untilRow('default/web', ':8080', 'closed by both sides', 'ms')
  connection.end()

  await opened.goTo('Time line')
  await opened.untilRow('connection ended', 'default/web: ')
  await opened.untilRow('sync', 'IPv4', 'default/web')
  node.write(node.ips.slice(0, 1), ...pageObjects(node))
  await opened.goTo('Services')
  await opened.untilRow('default/web', '1 of 1')
  let lists = 0
  page.on('request', request => (lists += Number(request.url().endsWith('/v1/services'))))
  for (let count = 0; count < 5; count++) {
    const overview = page.waitForResponse(response => response.url().endsWith('/v1'))
    await node.client.tcp(node.web.clusterIP, 80)
    await overview
  }
  t.ok(lists <= 2, `connections do not change the list of Services: it was asked for ${lists} times`)
  await opened.goTo('Time line')
  await opened.untilRow('sync', 'About', 'default/web')
  await opened.setHidden(true)
  await page.getByText('no live events').waitFor()
  await opened.setHidden(false)
  await page.getByText(/live$/).waitFor()
  opened.checkTidy(t, PAGE_ADDRESS)

  t.equal(await proxy.stop(), 0)
  await page.getByRole('alert').filter({ hasText: 'The proxy does not answer' }).waitFor()
  const again = await node.start()
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await page.getByText(/live$/).waitFor()
  t.equal(await again.stop(), 0)
})

t.test(
  'TCP and UDP of one address are two rows; a question without an answer is given up, and asked again',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS, '--proxy-mode=iptables'])
    const both = makeServiceManifest('both', { clusterIP: '10.96.0.40', port: 53 }) as { spec: { ports: object[] } }
    both.spec.ports = (['TCP', 'UDP'] as const).map(protocol => ({ name: protocol.toLowerCase(), protocol, port: 53 }))
    node.write(node.ips, both)
    const proxy = await node.start()
    const browser = await PageBrowser.launch(t, node.network.node)
    const opened = await browser.open('about:blank')
    const { page } = opened
    await page.clock.install()
    await page.goto(`${URL_OF_PAGE}#/services/default/both`)
    await opened.untilRow('10.96.0.40:53', 'tcp TCP', 'IPv4')
    await opened.untilRow('10.96.0.40:53', 'udp UDP', 'IPv4')

    // The browser gets no answer.
    const asked = new Promise<void>(resolve => void page.route('**/v1/services?*', () => resolve()))
    await page.clock.fastForward(30_000)
    await asked
    await page.clock.fastForward(10_000)
    // Time that jumps gives up other questions too.
    const old = page.getByText(/This is the answer of .* no answer within 10 s/).first()
    await old.waitFor()
    await page.unroute('**/v1/services?*')
    await page.clock.fastForward(5000)
    await old.waitFor({ state: 'detached' })
    t.equal(await proxy.stop(), 0)
  },
)

t.test('with 1,000 Services the page shows the first ones, and finds each', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS, '--proxy-mode=iptables'])
  const many = Array.from({ length: MANY }, (_, index) => {
    const name = `many-${String(index).padStart(4, '0')}`
    const clusterIP = `10.96.${100 + Math.floor(index / 200)}.${1 + (index % 200)}`
    return [makeServiceManifest(name, { clusterIP, port: 80 }), makeSliceManifest(name, node.ips, 8080)]
  })
  node.write(node.ips, ...many.flat())
  const proxy = await node.start()
  const browser = await PageBrowser.launch(t, node.network.node)
  const opened = await browser.open(URL_OF_PAGE)
  const { page } = opened
  await page.getByText('The first 200 of 1,002 rows').waitFor()
  t.equal(await page.getByRole('row').count(), 201)
  await page.getByRole('button', { name: 'Show 200 more' }).press('Enter')
  await page.getByText('The first 400 of 1,002 rows').waitFor()
  await page.getByLabel('Filter').fill('many-0999')
  await opened.untilRow('default/many-0999', '10.96.104.200', '2 of 2')
  t.equal(await page.getByRole('row').count(), 2)
  for (const section of ['Connections', 'Who listens where']) {
    await opened.goTo(section)
    await page.getByText('In iptables mode the kernel carries connections').first().waitFor()
  }
  await opened.goTo('Map')
  await page.getByText('In this mode the kernel carries the connections').waitFor()
  await page.getByLabel('Service', { exact: true }).fill('default/many-0500')
  await page.getByRole('img', { name: 'default/many-0500' }).getByText('10.96.102.101:80').waitFor()
  await opened.goTo('Rules')
  await page.getByText('The first 200 of').waitFor()
  await page.getByLabel('Filter').fill('many-0000')
  await opened.untilRow('10.96.100.1', 'KUBE-SVC-')
  opened.checkTidy(t, PAGE_ADDRESS)
  t.equal(await proxy.stop(), 0)
})

t.test(
  'a page with a token asks for it, a link signs the browser in, and a site with another name gets nothing',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, [
      ...['--dashboard-bind-address=0.0.0.0:10247', '--dashboard-allow-remote'],
      ...['--dashboard-token-file', writeToken(t)],
    ])
    const proxy = await node.start()
    const url = `http://${node.nodeIP}:10247`
    const browser = await PageBrowser.launch(t, node.network.node, [
      '--host-resolver-rules=MAP rebound.example 127.0.0.1',
    ])
    const opened = await browser.open(url)
    await opened.page.getByRole('heading', { name: 'This page must know who asks' }).waitFor()
    t.strictSame(await opened.violations(), [])
    await opened.page.getByText(`${url}/link`).waitFor()
    const link = await node.run(
      `fetch('${url}/link', { headers: { authorization: 'Bearer ${TOKEN}' } }).then(r => r.text()).then(console.log)`,
    )
    await opened.page.goto(link.trim())
    await opened.untilRow('default/web', '2 of 2')
    await opened.page.getByText(/live$/).waitFor()
    t.equal(await opened.page.evaluate('document.cookie'), '', 'no script can read the cookie')

    const { page } = await browser.open('http://rebound.example:10247/')
    t.match(await page.content(), /The Host of the request is not this page/)
    const answer = await page.evaluate<string>(`fetch('/v1').then(response => response.text())`)
    t.match(answer, /"kind":"Error".*The Host of the request/, 'another name gets nothing, though it leads here')
    t.equal(await proxy.stop(), 0)
  },
)

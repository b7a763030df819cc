import t from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { type OpenPage, PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { PAGE_ADDRESS, pageObjects } from '../support/page/page-objects.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || browserUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')
const URL_OF_PAGE = `http://${PAGE_ADDRESS}/`
/** Where the texts and tables of the page get too wide, if they do. */
const WINDOWS = [
  { locale: 'en-GB', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { locale: 'en-GB', colorScheme: 'dark', viewport: { width: 400, height: 800 } },
  { locale: 'ko-KR', colorScheme: 'light', viewport: { width: 400, height: 800 } },
] as const
/** All views: their addresses, and their titles in each language. */
const VIEWS = [
  ['services', 'Services', '서비스'],
  ['services/default/shop', 'Service default/shop', '서비스 default/shop'],
  ['map', 'Map', '지도'],
  ['packet/node/default%2Fshop%3A80', 'One packet', '패킷 하나'],
  ['listeners', 'Who listens where', '누가 어디서 리스닝하는가'],
  ['connections', 'Connections', '연결'],
  ['rules', 'Rules', '규칙'],
  ['time-line', 'Time line', '타임라인'],
  ['doctor', 'Doctor', '진단'],
] as const
/** Terms of Kubernetes and names, which are the same in every language. */
const SAME_IN_ALL = ['kube-proxy', 'ClusterIP', 'EndpointSlice', 'English']

/** What the page itself says, without what the proxy has answered. */
async function labelsOf({ page }: OpenPage): Promise<readonly string[]> {
  const places =
    'h1, h2, h3, th, caption, label, button, nav a, dt, .about, .help, .count, .languages, legend, .legend li, .place .quiet, .ends dt'
  return page.locator(places).allInnerTexts()
}

t.test('no view has what shuts a reader out: narrow or wide, light or dark, English or Korean', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS])
  node.write(node.ips, ...pageObjects(node))
  const proxy = await node.start()
  t.match(await node.client.tcp(node.web.clusterIP, 80), /^[ab]$/)
  const browser = await PageBrowser.launch(t, node.network.node)
  for (const window of WINDOWS) {
    const isKorean = window.locale === 'ko-KR'
    const opened = await browser.open(URL_OF_PAGE, window)
    for (const [path, english, korean] of VIEWS) {
      await opened.page.goto(`${URL_OF_PAGE}#/${path}`)
      await opened.page.getByRole('heading', { name: isKorean ? korean : english, level: 2, exact: true }).waitFor()
      // The map has rows when something moves.
      const { page } = opened
      await (path === 'map' ? page.getByRole('img').first() : page.getByRole('row').nth(1)).waitFor()
      t.strictSame(await opened.violations(), [], `${english}, ${window.locale}, ${window.colorScheme}`)
      const isWide = await opened.page.evaluate('document.documentElement.scrollWidth > innerWidth')
      t.equal(isWide, false, `${english} fits into ${window.viewport.width} pixels`)
      if (!isKorean) continue
      const labels = (await labelsOf(opened)).filter(text => text !== '' && !/[가-힣]/.test(text))
      t.strictSame(
        labels.filter(text => !SAME_IN_ALL.includes(text)),
        [],
        `all labels of ${english} are Korean`,
      )
    }
    opened.checkTidy(t, PAGE_ADDRESS)
  }
  t.equal(await proxy.stop(), 0)
})

t.test('the browser chooses the language, until the reader does', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS])
  const proxy = await node.start()
  const browser = await PageBrowser.launch(t, node.network.node)
  const opened = await browser.open(URL_OF_PAGE, { locale: 'ko-KR' })
  const { page } = opened
  const isIn = async (language: string, title: string): Promise<void> => {
    await page.getByRole('heading', { name: title, level: 2, exact: true }).waitFor()
    t.equal(await page.evaluate('document.documentElement.lang'), language)
  }
  await isIn('ko', '서비스')
  await opened.untilRow('default/web', '2개 중 2개')
  await page.getByRole('button', { name: 'English' }).press('Enter')
  await isIn('en', 'Services')
  await opened.untilRow('default/web', '2 of 2')
  await page.reload()
  await isIn('en', 'Services')
  const pressed = page.getByRole('button', { name: 'English', pressed: true })
  await pressed.waitFor()
  await page.getByRole('button', { name: '한국어', pressed: false }).press('Enter')
  await isIn('ko', '서비스')

  const other = await browser.open(URL_OF_PAGE, { locale: 'de-DE' })
  await other.page.getByRole('heading', { name: 'Services', level: 2, exact: true }).waitFor()
  opened.checkTidy(t, PAGE_ADDRESS)
  t.equal(await proxy.stop(), 0)
})

import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { PAGE_ADDRESS } from '../support/page/page-objects.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || browserUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')
const MAP = `http://${PAGE_ADDRESS}/#/map`

t.test(
  'a new connection moves over the map, a refused one has another shape, and a table says the same',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS])
    const broken = { clusterIP: '10.96.0.60', port: 80 }
    // No program listens on this port of the Pods.
    node.write(node.ips, makeServiceManifest('broken', broken), makeSliceManifest('broken', node.ips, 8099))
    const proxy = await node.start()
    const browser = await PageBrowser.launch(t, node.network.node)
    const opened = await browser.open(MAP)
    const still = await browser.open(MAP, { reducedMotion: 'reduce' })
    for (const { page } of [opened, still]) await page.getByText(/live$/).waitFor()
    const { page } = opened

    await page.getByLabel('Service', { exact: true }).fill('default/web')
    const picture = page.getByRole('img', { name: 'default/web' })
    for (const text of [
      '10.96.0.10:80',
      'no interface has this address',
      'kube-proxy',
      ...node.ips.map(ip => `${ip}:8080`),
    ])
      await picture.getByText(text, { exact: true }).waitFor()
    const name = await node.client.tcp(node.web.clusterIP, 80)
    const pod = `${node.ips[name === 'a' ? 0 : 1]}:8080`
    await page.locator('.map .moving.opened').first().waitFor()
    await picture.getByText(node.clientIP, { exact: true }).waitFor()
    const row = page.getByRole('row').filter({ hasText: node.clientIP }).filter({ hasText: pod })
    await row.getByRole('cell').nth(3).filter({ hasText: /^1$/ }).waitFor()

    await page.getByLabel('Service', { exact: true }).fill('default/broken')
    await page.getByText('Shown: default/broken').waitFor()
    t.notMatch(await node.client.tcp(broken.clusterIP, broken.port).catch(String), /^[ab]$/)
    await page.locator('.map .moving.refused').first().waitFor()
    await page.getByRole('row').filter({ hasText: node.clientIP }).first().waitFor()

    await still.page.getByLabel('Service', { exact: true }).fill('default/web')
    await still.untilRow(node.clientIP, pod)
    await node.client.tcp(node.web.clusterIP, 80)
    await still.untilRow(node.clientIP, node.ips[name === 'a' ? 1 : 0]!)
    t.equal(await still.page.locator('.map .moving').count(), 0, 'nothing moves for a reader who wants no motion')

    await opened.goTo('Services')
    await opened.goTo('Map')
    await page.getByLabel('Service', { exact: true }).fill('default/web')
    for (let count = 0; count < 2; count++) await node.client.tcp(node.web.clusterIP, 80)
    for (const ip of node.ips) {
      const one = page
        .getByRole('row')
        .filter({ hasText: node.clientIP })
        .filter({ hasText: `${ip}:8080` })
      await one.getByRole('cell').nth(3).filter({ hasText: /^1$/ }).waitFor()
    }
    for (const each of [opened, still]) each.checkTidy(t, PAGE_ADDRESS)
    t.equal(await proxy.stop(), 0)
  },
)

t.test(
  'in a narrow window no text of the map is wider than its box, and one that is cut says so',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS])
    const long = 'a-name-of-a-service-that-is-as-long-as-names-may-be-in-kubernetes'.slice(0, 63)
    const many = Array.from({ length: 5 }, (_, index) => `10.244.100.${200 + index}`)
    const ports = makeServiceManifest(long, { clusterIP: '10.96.200.200', port: 65530 }) as {
      spec: { ports: object[] }
    }
    ports.spec.ports = [65530, 65531, 65532].map(port => ({ name: `p${port}`, protocol: 'TCP', port }))
    const slice = makeSliceManifest(long, many, 65530) as { ports: object[] }
    slice.ports = ports.spec.ports
    node.write(node.ips, ports, slice)
    const proxy = await node.start()
    const browser = await PageBrowser.launch(t, node.network.node)
    for (const width of [320, 360, 400, 800]) {
      const { page } = await browser.open(MAP, { viewport: { width, height: 800 } })
      await page.getByLabel('Service', { exact: true }).fill(`default/${long}`)
      await page.getByText(`Shown: default/${long}`).waitFor()
      await page
        .getByRole('img')
        .getByText(/10\.244\.100\.200/)
        .first()
        .waitFor()
      const texts = await page.evaluate<readonly { text: string; width: number; box: number }[]>(
        `[...document.querySelectorAll('.map .box text')].map(each => ({
        text: each.textContent, width: each.getComputedTextLength(), box: each.parentNode.width.baseVal.value }))`,
      )
      t.ok(texts.length >= 8, `${texts.length} texts`)
      t.strictSame(
        texts.filter(each => each.width > each.box),
        [],
        `${width} pixels`,
      )
      t.ok(
        texts.some(({ text }) => /^default\/a-name.*…$/.test(text)),
        'the name is cut',
      )
      if (width >= 360)
        t.ok(
          texts.some(({ text }) => text === `${many[0]}:65530`),
          'an IPv4 address is whole',
        )
      t.ok(
        texts.some(({ text }) => text.startsWith('10.96.200.200:65530 ')),
        'more addresses are announced',
      )
    }
    t.equal(await proxy.stop(), 0)
  },
)

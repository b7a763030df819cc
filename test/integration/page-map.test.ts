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
    for (const each of [opened, still]) each.checkTidy(t, PAGE_ADDRESS)
    t.equal(await proxy.stop(), 0)
  },
)

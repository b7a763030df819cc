import t from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { type OpenPage, PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { PAGE_ADDRESS } from '../support/page/page-objects.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || browserUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')

/** Resolves when a step of the packet has these texts. */
async function untilStep({ page }: OpenPage, ...texts: readonly (string | RegExp)[]): Promise<void> {
  let step = page.getByRole('listitem')
  for (const hasText of texts) step = step.filter({ hasText })
  await step.first().waitFor()
}

/** Opens the view by the page of the Service, and asks for a packet of the client's Pod. */
async function followFromClient(opened: OpenPage, node: ServiceNode): Promise<void> {
  const { page } = opened
  await page.getByRole('link', { name: 'Follow a packet to 10.96.0.10:80' }).press('Enter')
  await page.getByRole('heading', { name: 'One packet', level: 2 }).waitFor()
  await page.getByText('a process of the node').first().waitFor()
  await page.getByRole('radio', { name: 'a Pod' }).check()
  await page.getByLabel('Address of the sender').fill(node.clientIP)
  await page.getByLabel('To', { exact: true }).press('Enter')
  await page.getByText(`The packet of Pod ${node.clientIP} of this node goes to`).waitFor()
}

t.test('in userspace mode a packet is followed to the socket and the Pod whose turn it is', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS, '--data-plane-workers=1'])
  const proxy = await node.start()
  t.match(await node.client.tcp(node.web.clusterIP, 80), /^[ab]$/)
  const browser = await PageBrowser.launch(t, node.network.node)
  const opened = await browser.open(`http://${PAGE_ADDRESS}/#/services/default/web`)
  const { page } = opened
  await followFromClient(opened, node)
  await untilStep(
    opened,
    'PREROUTING › nat › KUBE-PORTALS-CONTAINER',
    '-d 10.96.0.10/32',
    /after.*→ 192\.168\.50\.1:\d+/,
  )
  await untilStep(opened, 'Socket of kube-proxy', 'takes the connection')
  await untilStep(
    opened,
    'Connection of kube-proxy',
    `before${node.clientIP} →`,
    /after10\.244\.0\.1 → 10\.244\.0\.[23]:8080/,
  )
  await page.getByText(/answers to 10\.244\.0\.1, where the connection of kube-proxy ends/).waitFor()

  await page.getByText('The same packet in each mode').click()
  const inMode = (name: string) =>
    page.locator('.in-mode').filter({ has: page.getByRole('heading', { name: new RegExp(`^${name} mode`) }) })
  await inMode('userspace').getByText('serves now').waitFor()
  await inMode('userspace').getByText('Socket of kube-proxy', { exact: true }).waitFor()
  await inMode('iptables').getByText('PREROUTING › nat › KUBE-SERVICES').waitFor()
  await inMode('ipvs').getByText('Virtual server of IPVS', { exact: true }).waitFor()

  for (let count = 1; count <= 2; count++) {
    const turn = page.getByRole('row').filter({ hasText: '▶ next' })
    const next = (await turn.first().innerText()).includes(`${node.ips[0]}:8080`) ? 'a' : 'b'
    t.equal(await node.client.tcp(node.web.clusterIP, 80), next, 'the Pod whose turn it is answers')
    await untilStep(opened, '-d 10.96.0.10/32', new RegExp(`just counted \\+${count} since you opened this view`))
    await opened.untilRow(node.ips[next === 'a' ? 1 : 0]!, '▶ next')
  }

  await page.getByLabel('To', { exact: true }).fill('default/wep:80')
  await page.getByRole('button', { name: 'Follow the packet' }).press('Enter')
  await page.getByText('There is no Service default/wep; did you mean default/web?').waitFor()
  await opened.goTo('Connections')
  await page
    .getByRole('link', { name: `Follow a packet of ${node.clientIP}:` })
    .first()
    .press('Enter')
  await untilStep(opened, '-d 10.96.0.10/32')
  // The browser reports each answer that there is no such Service.
  opened.checkTidy(t, PAGE_ADDRESS, /^Failed to load resource.*404/)
  t.equal(await proxy.stop(), 0)
})

t.test('in iptables mode a packet is followed to each Pod, with the odds of its rule', { skip }, async t => {
  const node = await ServiceNode.create(t, ['--dashboard-bind-address', PAGE_ADDRESS, '--proxy-mode=iptables'])
  const proxy = await node.start()
  const browser = await PageBrowser.launch(t, node.network.node)
  const opened = await browser.open(`http://${PAGE_ADDRESS}/#/services/default/web`)
  const { page } = opened
  await followFromClient(opened, node)
  await untilStep(opened, 'PREROUTING › nat › KUBE-SERVICES', '-d 10.96.0.10/32')
  await untilStep(opened, 'At random, 1 in 2 of the packets', '--mode random')
  for (const ip of node.ips) {
    await opened.untilRow(`${ip}:8080`, 'in', 'used: ready', '50%')
    await page.getByLabel('Show the way').selectOption({ label: `${ip}:8080 (50%)` })
    await untilStep(opened, `-j DNAT --to-destination ${ip}:8080`, `after${node.clientIP} → ${ip}:8080`)
  }
  t.match(await node.client.tcp(node.web.clusterIP, 80), /^[ab]$/)
  await untilStep(opened, '-d 10.96.0.10/32', /just counted \+1 since you opened this view/)
  opened.checkTidy(t, PAGE_ADDRESS)
  t.equal(await proxy.stop(), 0)
})

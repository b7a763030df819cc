import { execFileSync } from 'node:child_process'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { type DemoDocument } from '../../lib/demo-page/demo-document.js'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')
const ONE = 'nginx-deployment-1'

/** Asks again and again until the demo is as wanted. */
async function untilDemo(demo: DemoPageProcess, isWanted: (document: DemoDocument) => boolean): Promise<void> {
  while (!isWanted(await demo.document())) await setImmediate()
}

/** The process of a Pod, as the page names it to the user. */
async function pidOf(demo: DemoPageProcess, pod: string): Promise<number> {
  const { levers } = await demo.document()
  return Number(/^kill -9 (\d+)$/.exec(levers.find(({ id }) => id === `kill/${pod}`)!.command)![1])
}

t.test('no lever and no question waits for a client that was killed', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  for (const pid of demo.pidsIn('client-a')) process.kill(pid, 'SIGKILL')
  const effect = await demo.pull('scale/2')
  t.same(
    effect.clients.map(({ name }) => name),
    ['client-b', 'outside'],
  )
  t.equal(effect.requests, 6)
  t.match((await demo.run('ask/1')).at(-1), { kind: 'answer', holds: true })
  t.equal((await demo.pull('scale/3')).requests, 6, 'the other clients go on after the question')
  t.equal(await demo.end(), 0)
  t.equal(demo.left(), '')
})

t.test('clients go on after a question whose clean-up failed', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  const name = readdirSync(demo.temporaryFolder).find(each => each.startsWith('kube-proxy-demo-'))!
  const folder = join(demo.temporaryFolder, name)
  renameSync(folder, `${folder}.aside`)
  const lines = await demo.run('ask/1')
  t.match(lines.at(-1), { kind: 'failed', message: /ENOENT/ })
  t.equal((await demo.document()).running, null)
  renameSync(`${folder}.aside`, folder)
  const effect = await demo.pull('scale/4')
  t.same([effect.requests, effect.lost], [9, []], 'also the client outside, whose node port the question would remove')
  t.equal(await demo.end(), 0)
})

t.test('a Pod that the user kills in a terminal is shown as killed, and can be replaced', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  process.kill(await pidOf(demo, ONE), 'SIGKILL')
  await untilDemo(demo, ({ pods }) => pods.find(({ name }) => name === ONE)?.state === 'killed')
  const { levers } = await demo.document()
  t.same(
    levers.flatMap(({ id, value }) => (value === ONE ? id : [])),
    [`replace/${ONE}`],
  )
  t.same((await demo.pull(`replace/${ONE}`)).lost, [])

  // A Pod that dies while it is to become slow: it takes no command any more.
  const two = 'nginx-deployment-2'
  const pid = await pidOf(demo, two)
  process.kill(pid, 'SIGSTOP')
  const slow = demo.run(`slow/${two}`)
  await untilDemo(demo, ({ running }) => running === `slow/${two}`)
  process.kill(pid, 'SIGKILL')
  t.match((await slow).at(-1), { kind: 'failed', message: /^Pod nginx-deployment-2 was killed/ })
  t.match((await demo.run('ask/1')).at(-1), { kind: 'answer', holds: true }, 'an experiment has live Pods only')
  const { pods } = await demo.document()
  t.same([pods.length, pods.filter(({ state }) => state !== 'running').length], [3, 0])
})

t.test('nothing of a Pod is left that was removed', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  for (const count of [6, 0, 2]) await demo.run(`scale/${count}`)
  await demo.run('kill/nginx-deployment-7')
  await demo.run('replace/nginx-deployment-7')
  const names = demo.left().split(' ')
  const pods = names.filter(name => name.includes('nginx-deployment'))
  t.same(
    pods.map(name => name.slice(demo.prefix.length)).sort(),
    ['nginx-deployment-8', 'nginx-deployment-9'],
    'the Pods that live have a namespace, and no other Pod',
  )
  const node = ['-n', `${demo.prefix}node`, '-o', 'link', 'show', 'type', 'veth']
  const links = execFileSync('ip', node, { encoding: 'utf8' }).match(/ veth\d+@/g)
  const others = names.filter(name => /client|dns/.test(name))
  t.equal(links?.length, pods.length + others.length, 'the node has an interface for each')
  t.equal(await demo.end(), 0)
  t.equal(demo.left(), '')
})

t.test(
  'a lever that failed can be run again; a run goes on while the reader looks elsewhere',
  { skip: skip || browserUnavailable },
  async t => {
    const demo = await DemoPageProcess.start(t)
    const opened = await (await PageBrowser.launch(t, undefined)).open(`${demo.link}#/levers`)
    const { page } = opened
    const panel = page.locator('.panel')
    await page.getByRole('button', { name: '4 Pods', exact: true, disabled: false }).press('Enter')
    await page.getByRole('radio', { name: 'none' }).press('Space')
    // A hidden page asks nothing: it does not know what another page runs.
    await opened.setHidden(true)
    const other = demo.run('ask/1')
    await untilDemo(demo, ({ running }) => running === 'ask/1')
    await page.getByRole('button', { name: 'Run', disabled: false }).press('Enter')
    await panel.getByText('It failed: The demo still runs "ask/1"').waitFor()
    await opened.setHidden(false)
    t.match((await other).at(-1), { kind: 'answer' })
    await panel.getByRole('button', { name: 'Run', disabled: false }).press('Enter')
    await panel.getByText('It runs …').waitFor()
    await opened.goTo('Services')
    await opened.goTo('Levers')
    await panel.getByText('You were right: none').waitFor()
    await opened.untilRow('nginx-deployment-4', 'running')

    // A client that is stopped: the run lasts until it goes on.
    const [client] = demo.pidsIn('client-a')
    process.kill(client!, 'SIGSTOP')
    const busy = demo.run('scale/3')
    await untilDemo(demo, ({ running }) => running === 'scale/3')
    for (const [view, button] of [
      ['Ask', /^1\. /],
      ['Doctor', /^Examine/],
      ['Levers', '5 Pods'],
    ] as const) {
      await opened.goTo(view)
      await page.getByText('The demo is busy with something else').first().waitFor()
      await page.getByRole('button', { name: button, disabled: true }).first().waitFor()
    }
    process.kill(client!, 'SIGCONT')
    t.match((await busy).at(-1), { kind: 'effect' })
    await page.getByRole('button', { name: '5 Pods', disabled: false }).waitFor()
    opened.checkTidy(t, new URL(demo.origin).host, /^Failed to load resource.*409/)
  },
)

t.test(
  'until its first answers, the page does not say that a view is not there, and lets nothing begin',
  { skip: skip || browserUnavailable },
  async t => {
    const demo = await DemoPageProcess.start(t)
    const { page } = await (await PageBrowser.launch(t, undefined)).open('about:blank')
    let answer = (): void => undefined
    const mayAnswer = new Promise<void>(resolve => (answer = resolve))
    await page.route('**/v1', async route => {
      await mayAnswer
      await route.continue()
    })
    await page.goto(`${demo.link}#/levers`)
    await page.getByRole('main').getByText('Asking the proxy …').waitFor()
    t.equal(await page.getByText('There is no such view.').count(), 0)
    answer()
    await page.getByRole('heading', { name: 'Levers', level: 2 }).waitFor()
    await page.goto(`${demo.origin}/#/nothing`)
    await page.getByText('There is no such view.').waitFor()

    const mayContinue = new Promise<void>(resolve => (answer = resolve))
    await page.route('**/demo?*', async route => {
      await mayContinue
      await route.continue()
    })
    for (const [view, button] of [
      ['learn/1', 'Start the lesson'],
      ['ask', /^1\. /],
    ] as const) {
      await page.goto(`${demo.origin}/#/${view}`)
      await page.getByRole('button', { name: button, disabled: true }).waitFor()
    }
    answer()
    await page.getByRole('button', { name: /^1\. /, disabled: false }).waitFor()
  },
)

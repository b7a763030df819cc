import t from 'tap'
import { type RunLine } from '../../lib/demo-page/demo-document.js'
import { LESSONS } from '../../lib/learn/lessons.js'
import { DemoPageProcess } from '../support/demo/demo-page-process.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { PageBrowser, browserUnavailable } from '../support/page/page-browser.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'starts each mode itself')

t.test(
  'every lesson shows what it explains in the cluster of the page, and leaves the cluster as it was',
  { skip, timeout: 300_000 * TIMEOUT_FACTOR },
  async t => {
    const demo = await DemoPageProcess.start(t, ['--proxy-mode=iptables'])
    await demo.pull('scale/2')
    await demo.run('affinity/ClientIP')
    const look = async () => {
      const { mode, pods, levers, running, lesson } = await demo.document()
      const current = levers.flatMap(({ id, isCurrent }) => (isCurrent ? id : []))
      return { mode, running, lesson, current, states: pods.map(({ state }) => state) }
    }
    const before = await look()
    t.match(before, { mode: 'iptables', running: null, lesson: null, states: ['running', 'running'] })
    for (const { number, title, steps } of LESSONS) {
      const lines = await demo.takeLesson(number)
      const results = lines.flatMap(line => (line.kind === 'result' ? line : []))
      t.strictSame(
        results.map(({ holds, right, predicted }) => ({ holds, right, predicted })),
        steps.map(({ right }) => ({ holds: true, right, predicted: 0 })),
        `${number}. ${title.en}: ${JSON.stringify(lines)}`,
      )
      t.strictSame(await look(), before)
    }
    t.strictSame(
      await demo.doneLessons(),
      LESSONS.map(({ number }) => number),
    )
    t.match((await demo.run('ask/2')).at(-1), { holds: true }, 'sockets for the API server are not counted')
    t.equal((await demo.pull('scale/3')).lost.length, 0, 'the clients go on')
  },
)

t.test('a lesson waits for its user alone, and ends when the user leaves', { skip }, async t => {
  const demo = await DemoPageProcess.start(t)
  t.equal(await demo.reply('learn/1/leave'), 409, 'no lesson runs')

  const page = new AbortController()
  const lines = demo.linesOf('learn/1', page.signal)
  const until = async (kind: RunLine['kind']) => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`the lesson has ended before "${kind}"`)
      if (value.kind === kind) return value
    }
  }
  const question = await until('question')
  if (question.kind !== 'question') throw new Error(question.kind)
  t.match(await demo.document(), { running: 'learn/1', lesson: 1 })
  for (const id of ['scale/2', 'ask/1', 'doctor/nginx-service', 'learn/2', 'learn/1'])
    t.equal((await demo.post(JSON.stringify({ id }))).status, 409, `${id} waits for the end of the lesson`)
  t.equal(await demo.reply(question.show, { Origin: 'http://example.com' }), 403, 'another page replies')
  for (const id of ['learn/1/2/begin', 'learn/1/2/0', 'learn/1/1/3', 'learn/2/leave', 'x; reboot'])
    t.equal(await demo.reply(id), 409, id)
  t.equal(await demo.reply(question.choices[1]!.id), 204)
  t.equal(await demo.reply(question.choices[0]!.id), 409, 'a second prediction')
  t.match(await until('result'), { predicted: 1, holds: true })
  t.equal(await demo.reply(question.show), 409, 'a late one')
  await until('next')
  t.equal(await demo.reply('learn/1/2/begin'), 204)
  await until('question')

  page.abort()
  await t.rejects(until('result'), /abort/)
  // A lever is refused until the cluster is as it was.
  while ((await demo.document()).running !== null);
  t.equal((await demo.document()).lesson, null)
  t.equal((await demo.pull('scale/2')).lost.length, 0, 'the clients go on')

  const left: RunLine[] = []
  for await (const line of demo.linesOf('learn/6')) {
    left.push(line)
    if (line.kind === 'question') t.equal(await demo.reply('learn/6/leave'), 204)
  }
  t.equal(left.at(-1)?.kind, 'question', 'the command does not run')
  t.strictSame(await demo.doneLessons(), [], 'no lesson was taken to its end')
  t.match(await demo.document(), { running: null, lesson: null })

  const open = demo.linesOf('learn/6')
  for (let line = await open.next(); line.value?.kind !== 'question'; line = await open.next()) t.notOk(line.done)
  t.equal(await demo.end(), 0, 'Ctrl-C ends a lesson that waits')
  t.equal(demo.left(), '')
  await t.rejects(open.next())
})

t.test('a reader takes a lesson by the keyboard', { skip: skip || browserUnavailable }, async t => {
  const demo = await DemoPageProcess.start(t)
  const browser = await PageBrowser.launch(t, undefined)
  const opened = await browser.open(demo.link)
  const { page } = opened
  const press = (name: string | RegExp) => page.getByRole('button', { name, disabled: false }).press('Enter')
  /** The heading that has the focus. */
  const untilAt = (text: string) => page.locator(':focus').filter({ hasText: text }).waitFor()
  const choices = page.getByRole('main').getByRole('group').getByRole('button', { disabled: false })

  await opened.goTo('Lessons')
  await page
    .getByRole('link', { name: /^\d+\. / })
    .nth(9)
    .waitFor()
  t.equal(await page.getByRole('link', { name: /^\d+\. / }).count(), 10)
  await page.getByRole('link', { name: '1. What a Service is' }).press('Enter')
  await page.getByText('1.3 Pods come and go').waitFor()
  await press('Start the lesson')
  await untilAt('1.1 One address for three Pods')
  await choices.first().waitFor()
  t.equal(await page.getByText('What happened').count(), 0, 'no result before the prediction')
  t.equal(await page.getByText('Proof:').count(), 0)
  await press('always the same Pod')
  await untilAt('What happened')
  await page.getByText(/Proof: connections to 10.96.0.10:80 .* \(\+9\)$/).waitFor()
  await page.getByText('You said always the same Pod; it was all three Pods.').waitFor()
  t.equal(await choices.count(), 0, 'a prediction cannot be changed')
  t.equal(await page.getByRole('heading', { name: /^1\.2/ }).count(), 0, 'the next step waits for its reader')
  await press('Next step')
  await untilAt('1.2 Where the address is')
  await press('Show me')
  await page.getByText('The answer: none.').waitFor()
  await press('Next step')
  await untilAt('1.3 Pods come and go')
  await page.getByText('kill -9').waitFor()
  await choices.first().waitFor()

  const other = await browser.open(`${demo.link}#/levers`)
  await other.page.getByText('Lesson 1 is open').first().waitFor()
  await other.page.getByRole('button', { name: '4 Pods', disabled: true }).waitFor()
  await other.page.getByRole('link', { name: 'go to the lesson' }).press('Enter')
  await other.page.getByText('This lesson is open in another page').waitFor()
  t.equal(await other.page.getByRole('button', { name: 'Start the lesson', disabled: false }).count(), 0)
  await opened.goTo('Ask')
  await page.getByText('Lesson 1 is open').waitFor()
  await page.getByRole('link', { name: 'go to the lesson' }).press('Enter')
  await press('nothing')
  await page.getByText('You were right: nothing.').waitFor()
  await page.getByText('Right predictions: 1 of 2.').waitFor()
  await opened.goTo('Lessons')
  const done = page.getByRole('listitem').filter({ hasText: /done$/ })
  await done.first().waitFor()
  t.match(await done.allInnerTexts(), [/^1\. What a Service is/], 'the page marks what the reader has done')
  await page.getByRole('link', { name: '1. What a Service is' }).press('Enter')
  await page.getByRole('link', { name: 'The next lesson: 2. Userspace mode' }).press('Enter')
  await press('Start the lesson')
  await choices.first().waitFor()
  await other.page.goto(`${demo.origin}/#/learn/2`)
  await other.page.getByRole('button', { name: 'End it there' }).press('Enter')
  await page.getByRole('button', { name: 'Start it again', disabled: false }).waitFor()
  t.equal(await page.getByText('Right predictions').count(), 0)

  await press('Start it again')
  await choices.first().waitFor()
  await page.reload()
  await press('Start the lesson')
  await choices.first().waitFor()
  await press('Leave the lesson')
  await page.getByText('The demo ends the lesson').waitFor()
  await page.getByRole('button', { name: 'Start it again', disabled: false }).waitFor()
  await page.goto(`${demo.origin}/#/learn/11`)
  await page.getByText('There is no such lesson.').waitFor()
  // A proxy that is started again ends its events, and gives no answers meanwhile; the browser reports each.
  opened.checkTidy(t, new URL(demo.origin).host, /^Failed to load resource/)
})

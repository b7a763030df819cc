/**
 * Measures the page in a real browser: `npm run bench -- page [SERVICES] [CONNECTIONS_A_SECOND] [ROUNDS] [SECONDS_A_VIEW]`. In each round
 * two proxies carry the same connections, one without a page and one with it: how soon it shows something, how smoothly each view moves,
 * and how much memory it costs the proxy. Needs root. Everything runs in its own network namespaces. Exit code 1 if a target is missed.
 */
import { type TeardownScope } from '../../test/support/nodes/node-network.js'
import { PageBrowser } from '../../test/support/page/page-browser.js'
import { Terminal } from '../../lib/terminal/terminal.js'
import { readNumbers } from './read-numbers.js'
import { CleanupStack } from './cleanup-stack.js'
import { judgePage, viewFigures } from './page/page-figures.js'
import { type PageRun, runPage } from './page/run-page.js'
import { showStatus } from './report/status-line.js'
import { Testbed } from './testbed/testbed.js'

const [services, perSecond, rounds, viewSeconds] = readNumbers('page', {
  services: 1000,
  connections_a_second: 200,
  rounds: 2,
  seconds_a_view: 3,
}) as [number, number, number, number]

await CleanupStack.run(async (t: TeardownScope) => {
  const site = await Testbed.create(t)
  const browser = await PageBrowser.launch(t, site.network.node)
  const load = { services, perSecond, viewSeconds }
  const without: PageRun[] = []
  const watched: PageRun[] = []
  for (let round = 1; round <= rounds; round++) {
    showStatus(`Round ${round} of ${rounds}, without a page`)
    without.push(await runPage(site, load, undefined))
    showStatus(`Round ${round} of ${rounds}, with a page`)
    watched.push(await runPage(site, load, browser))
  }
  showStatus('')
  const terminal = Terminal.forProcess()
  terminal.printText(`${services} Services, ${perSecond} new connections a second; times in ms, of ${rounds} rounds:`)
  terminal.printTable([
    ['view', '99 of 100 frames within', 'longest frame', 'longest task', 'slowest key'],
    ...viewFigures(watched).map(({ title, ...figures }) => [title, ...Object.values(figures).map(timeText)]),
  ])
  const verdicts = judgePage(without, watched)
  for (const { isMet, text } of verdicts) terminal.printCheck(isMet, text)
  if (!verdicts.every(({ isMet }) => isMet)) process.exitCode = 1
})

function timeText(ms: number): string {
  return Number.isNaN(ms) ? '–' : ms.toFixed(0)
}

import { PAGE_ADDRESS } from '../../../test/support/page/page-objects.js'
import { type PageBrowser } from '../../../test/support/page/page-browser.js'
import { startThisProxy } from '../contenders/this-proxy.js'
import { ProcessTree } from '../measure/process-tree.js'
import { summarize } from '../report/statistics.js'
import { HTTP_SERVICE } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { type ViewRecord } from './record-view.js'
import { type LoadTimes, WATCHED_VIEWS, recordViews, timeOfLoad } from './watched-views.js'

/** What runs beside the page. */
export interface PageLoad {
  /** Of the cluster, each with three endpoints. */
  readonly services: number
  /** New connections a second, each with one request. */
  readonly perSecond: number
  /** How long each view is shown. */
  readonly viewSeconds: number
}

/** What one run of a proxy has shown. */
export interface PageRun {
  /** Empty: no page was open. */
  readonly loads: readonly LoadTimes[]
  readonly views: ReadonlyMap<string, ViewRecord>
  /** PSS of all its processes, in bytes: the median of a sample a second while views are shown. */
  readonly memory: number
}

/** Connections that stay open all the time: the page shows them too. */
const OPEN_CONNECTIONS = 300
const PAGE_LOADS = 5
/** For the loads of the page, and for changing from view to view. */
const SPARE_SECONDS = 15
const SAMPLE_MS = 1000

/** Starts a proxy with connections, and measures it and, if there is one, what a browser shows of it. @param browser in the node's namespace */
export async function runPage(site: Testbed, load: PageLoad, browser: PageBrowser | undefined): Promise<PageRun> {
  const { services, perSecond, viewSeconds } = load
  const { ip, port } = { ip: HTTP_SERVICE.clusterIP, port: HTTP_SERVICE.port }
  const running = await startThisProxy(site, { services, endpoints: 3 }, [
    '--proxy-mode=userspace',
    `--dashboard-bind-address=${PAGE_ADDRESS}`,
  ])
  await site.client.openIdleConnections(ip, port, OPEN_CONNECTIONS)
  const seconds = WATCHED_VIEWS.length * viewSeconds + SPARE_SECONDS
  let isLoaded = true
  const connections = site.client.runConnections(ip, port, perSecond, seconds).then(report => {
    isLoaded = false
    return report
  })
  const memory = sampleMemory(new ProcessTree(running.pids), SPARE_SECONDS / 2)
  const url = `http://${PAGE_ADDRESS}/`
  const loads: LoadTimes[] = []
  let views: ReadonlyMap<string, ViewRecord> = new Map()
  if (browser !== undefined) {
    for (let count = 0; count < PAGE_LOADS; count++) loads.push(await timeOfLoad(browser, url))
    views = await recordViews(browser, url, viewSeconds * 1000)
    if (!isLoaded) throw new Error(`The views have not been shown within the ${seconds} s of the connections`)
  }
  const { connections: all, missedStarts } = await connections
  const failed = all.filter(({ error }) => error !== undefined).length
  if (failed > 0 || missedStarts > all.length / 100)
    throw new Error(
      `Of ${perSecond * seconds} connections, ${failed} failed and ${missedStarts} were not opened in time`,
    )
  const samples = memory.end()
  await site.client.closeIdleConnections()
  await running.stop()
  return { loads, views, memory: summarize(samples)!.median }
}

/** Reads memory again and again. @param startSeconds until the first sample */
function sampleMemory(tree: ProcessTree, startSeconds: number): { end: () => readonly number[] } {
  const samples: number[] = []
  let timer: NodeJS.Timeout | undefined
  const start = setTimeout(() => {
    timer = setInterval(() => samples.push(tree.pssBytes()), SAMPLE_MS)
  }, startSeconds * 1000)
  return {
    end() {
      clearTimeout(start)
      clearInterval(timer)
      return samples
    },
  }
}

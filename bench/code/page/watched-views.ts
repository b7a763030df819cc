import { type PageBrowser } from '../../../test/support/page/page-browser.js'
import { type ViewRecord, recordView } from './record-view.js'

/** A view of the page, and what shows that it has its contents. */
interface WatchedView {
  readonly title: string
  readonly path: string
  /** A CSS selector. */
  readonly contents: string
}

const ROW = 'main tbody tr'

/** Views that show many things, or what changes all the time. */
export const WATCHED_VIEWS: readonly WatchedView[] = [
  { title: 'Services', path: '/services', contents: ROW },
  { title: 'Map', path: '/map', contents: '.map .moving' },
  { title: 'Who listens where', path: '/listeners', contents: ROW },
  { title: 'Connections', path: '/connections', contents: ROW },
  { title: 'Rules', path: '/rules', contents: ROW },
  { title: 'Time line', path: '/time-line', contents: ROW },
]

/** Since the navigation began, in milliseconds. */
export interface LoadTimes {
  /** The first text or picture. */
  readonly firstPaint: number
  /** The first row of Services. */
  readonly firstRow: number
}

/** Resolves with the times of a page that has just been opened. A string: it runs in the browser. */
const TIMES = `new Promise(resolve => {
  const look = () => {
    const [paint] = performance.getEntriesByName('first-contentful-paint')
    if (paint === undefined || document.querySelector('${ROW}') === null) return requestAnimationFrame(look)
    resolve({ firstPaint: paint.startTime, firstRow: performance.now() })
  }
  look()
})`

/** Opens the page with an empty cache, and closes it when it shows Services. */
export async function timeOfLoad(browser: PageBrowser, url: string): Promise<LoadTimes> {
  const { page } = await browser.open(url)
  const times = await page.evaluate<LoadTimes>(TIMES)
  await page.context().close()
  return times
}

/** Opens the page and records each view in turn. @param ms for each @returns their records by their titles */
export async function recordViews(
  browser: PageBrowser,
  url: string,
  ms: number,
): Promise<ReadonlyMap<string, ViewRecord>> {
  const opened = await browser.open(url)
  const { page } = opened
  const records = new Map<string, ViewRecord>()
  for (const { title, path, contents } of WATCHED_VIEWS) {
    await page.evaluate(`location.hash = '#${path}'`)
    await page.locator(contents).first().waitFor()
    records.set(title, await recordView(opened, ms))
  }
  await page.context().close()
  return records
}

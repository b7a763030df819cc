import { type OpenPage } from '../../../test/support/page/page-browser.js'

/** How a view moved while it was recorded. All in milliseconds. */
export interface ViewRecord {
  /** Between each two frames. */
  readonly frames: readonly number[]
  /** What kept the browser from drawing and answering: its tasks of more than 50 ms. */
  readonly longTasks: readonly number[]
  /** From each key to the frame that shows what it changed; the browser reports those of 16 ms and more, in steps of 8. */
  readonly keys: readonly number[]
}

/** Records until the time is over. A string: it runs in the browser. */
const recorder = (ms: number): string => `new Promise(resolve => {
  const [frames, longTasks, keys] = [[], [], []]
  const takeTasks = list => longTasks.push(...list.map(({ duration }) => duration))
  const takeKeys = list => keys.push(...list.filter(({ name }) => name === 'keydown').map(({ duration }) => duration))
  const observers = [['longtask', takeTasks], ['event', takeKeys]].map(([type, take]) => {
    const observer = new PerformanceObserver(list => take(list.getEntries()))
    observer.observe({ type, durationThreshold: 16 })
    return [observer, take]
  })
  let last = performance.now()
  const end = last + ${ms}
  const onFrame = now => {
    frames.push(now - last)
    last = now
    if (now < end) return requestAnimationFrame(onFrame)
    for (const [observer, take] of observers) {
      take(observer.takeRecords())
      observer.disconnect()
    }
    resolve({ frames: frames.slice(1), longTasks, keys })
  }
  requestAnimationFrame(onFrame)
})`

/** Between two keys, as a fast typist presses them. In milliseconds. */
const KEY_PAUSE_MS = 150
const TYPED = 'web-10 other-7 none '

/** Records a view. If it has a filter, keys go there meanwhile. */
export async function recordView({ page }: OpenPage, ms: number): Promise<ViewRecord> {
  const filter = page.getByRole('searchbox')
  const hasFilter = (await filter.count()) > 0
  const recording = page.evaluate<ViewRecord>(recorder(ms))
  if (hasFilter)
    for (let pressed = 0; pressed < (ms - 500) / KEY_PAUSE_MS; pressed++) {
      const place = pressed % (2 * TYPED.length)
      await filter.press(place < TYPED.length ? TYPED[place]! : 'Backspace')
      await page.waitForTimeout(KEY_PAUSE_MS)
    }
  return recording
}

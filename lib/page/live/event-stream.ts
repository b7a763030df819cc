import { signal } from '@preact/signals'
import { type HappeningsEvent } from '../../status/live-events.js'
import { type SyncView } from '../../status/sync-history.js'
import { latestEvents } from './latest-events.js'
import { type PageEvent } from './page-event.js'

type News = PageEvent extends infer Each ? (Each extends PageEvent ? Omit<Each, 'id' | 'at'> : never) : never

/** A browser gives up when an answer is an error, such as during a start of the proxy. In milliseconds. */
const RETRY_MS = 3000

/** Whether events arrive as they happen. */
export const isLive = signal(false)
/** What happened while the page was visible, the latest first. */
export const events = signal<readonly PageEvent[]>([])

let count = 0

/**
 * Listens for events while the page is visible, until it is closed. A browser has a few connections to a server for all its tabs, and the
 * proxy asks its workers while a client listens: a hidden page takes neither.
 */
export function openEventStream(): void {
  let source: EventSource | undefined
  const update = (): void => {
    if (document.hidden) close()
    else source ??= openStream(restart)
  }
  const close = (): void => {
    source?.close()
    source = undefined
    isLive.value = false
  }
  const restart = (): void => {
    close()
    setTimeout(update, RETRY_MS)
  }
  document.addEventListener('visibilitychange', update)
  update()
}

/** @param onEnd gets called when the browser does not try again by itself */
function openStream(onEnd: () => void): EventSource {
  const source = new EventSource('/v1/events')
  source.addEventListener('open', () => (isLive.value = true))
  source.addEventListener('error', () => {
    isLive.value = false
    if (source.readyState === EventSource.CLOSED) onEnd()
  })
  const on = <Data>(name: string, news: (data: Data) => News): void =>
    source.addEventListener(name, event => add(news(JSON.parse((event as MessageEvent<string>).data) as Data)))
  on<SyncView>('sync', sync => ({ kind: 'sync', sync }))
  on<HappeningsEvent>('happenings', happened => ({ kind: 'happenings', happened }))
  on<{ readonly message: string }>('problem', ({ message }) => ({ kind: 'problem', message }))
  return source
}

function add(news: News): void {
  const event = { ...news, id: ++count, at: new Date() } as PageEvent
  events.value = latestEvents([event, ...events.value])
}

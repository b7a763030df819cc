import { signal } from '@preact/signals'
import { type HappeningsEvent } from '../../status/live-events.js'
import { type SyncView } from '../../status/sync-history.js'

/** Something that happened while the page was open. */
export type PageEvent = { readonly id: number; readonly at: Date } & (
  | { readonly kind: 'sync'; readonly sync: SyncView }
  | { readonly kind: 'happenings'; readonly happened: HappeningsEvent }
  | { readonly kind: 'problem'; readonly message: string }
)
type News = PageEvent extends infer Each ? (Each extends PageEvent ? Omit<Each, 'id' | 'at'> : never) : never

/** The page keeps so many events. */
const MAX_EVENTS = 500
/** A browser gives up when an answer is an error, such as during a start of the proxy. In milliseconds. */
const RETRY_MS = 3000

/** Whether events arrive as they happen. */
export const isLive = signal(false)
/** What happened since the page was opened, the latest first. */
export const events = signal<readonly PageEvent[]>([])

let count = 0

/** Listens for events, until the page is closed. */
export function openEventStream(): void {
  const source = new EventSource('/v1/events')
  source.addEventListener('open', () => (isLive.value = true))
  source.addEventListener('error', () => {
    isLive.value = false
    if (source.readyState === EventSource.CLOSED) setTimeout(openEventStream, RETRY_MS)
  })
  const on = <Data>(name: string, news: (data: Data) => News): void =>
    source.addEventListener(name, event => add(news(JSON.parse((event as MessageEvent<string>).data) as Data)))
  on<SyncView>('sync', sync => ({ kind: 'sync', sync }))
  on<HappeningsEvent>('happenings', happened => ({ kind: 'happenings', happened }))
  on<{ readonly message: string }>('problem', ({ message }) => ({ kind: 'problem', message }))
}

function add(news: News): void {
  const event = { ...news, id: ++count, at: new Date() } as PageEvent
  events.value = [event, ...events.value].slice(0, MAX_EVENTS)
}

import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { type StatusError } from '../../status/status-document.js'
import { TEXTS } from '../texts.js'
import { events, isLive } from './event-stream.js'
import { isChange } from './is-change.js'
import { type PageEvent } from './page-event.js'

/** Which events may change an answer: those of connections come all the time, and change no list of Services. */
type IsNews = (event: PageEvent) => boolean

/** For lists that follow the objects of the cluster: the proxy reports a sync after each change. */
export const CHANGES: IsNews = event => event.kind === 'sync' && isChange(event.sync)
const ALL: IsNews = () => true

/** The last answer to a question that is asked again and again. */
export interface LiveAnswer<Answer> {
  /** Undefined: none came yet. */
  readonly answer: Answer | undefined
  /** When it came; undefined: none came yet. */
  readonly answeredAt: Date | undefined
  /** Why the last question got no answer; undefined: it got one. */
  readonly problem: string | undefined
  /** Whether the proxy wants to know who asks. */
  readonly needsToken: boolean
}

/** Between two questions, in milliseconds: without news, and at least. */
export const PERIOD_MS = 5000
/** For large lists that change with news only. In milliseconds. */
export const SELDOM_MS = 30_000
const MIN_PERIOD_MS = 1000
/** The longer an answer takes, the later comes the next question: after so many times as long, but not later than this. */
const IDLE_FACTOR = 20
const MAX_IDLE_MS = 30_000
/** A question without an answer is given up. In milliseconds. */
const TIMEOUT_MS = 10_000
const NONE = { answer: undefined, answeredAt: undefined, problem: undefined, needsToken: false }

/**
 * Asks for a path of the status API every few seconds, and sooner when something happens, while the page is visible.
 * @param periodMs between two questions without news; one that is longer than usual is kept when there are news too, unless `isNews` chooses
 * @param isNews one function for all calls, or it asks again at each of them
 */
export function useAnswer<Answer>(path: string, periodMs = PERIOD_MS, isNews = ALL): LiveAnswer<Answer> {
  const [{ of, ...state }, setState] = useState<LiveAnswer<Answer> & { readonly of: string }>({ ...NONE, of: path })
  useEffect(() => {
    setState({ ...NONE, of: path })
    return ask<Answer>(path, periodMs, isNews, change => setState(before => ({ ...before, ...change })))
  }, [path, periodMs, isNews])
  // An effect comes after what is shown first: the answer to another question must not be taken for this one.
  return of === path ? state : NONE
}

/** @returns ends it */
function ask<Answer>(
  path: string,
  periodMs: number,
  isNews: IsNews,
  onChange: (change: Partial<LiveAnswer<Answer>>) => void,
): () => void {
  const leastMs = periodMs > PERIOD_MS && isNews === ALL ? periodMs : MIN_PERIOD_MS
  /** Without a live stream there are no news to wait for. */
  const longestMs = (): number => (isLive.peek() || isNews === ALL ? periodMs : Math.min(periodMs, PERIOD_MS))

  const ended = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Undefined while a question is open. */
  let earliest: number | undefined
  /** Whether there were news meanwhile, which the answer may not have. */
  let isOutdated = false
  const load = async (): Promise<void> => {
    clearTimeout(timer)
    earliest = undefined
    isOutdated = false
    const start = performance.now()
    const change = await fetchAnswer<Answer>(path, ended.signal)
    onChange(change)
    if (ended.signal.aborted) return
    const hasFailed = change.problem !== undefined
    // Time without an answer says nothing about what an answer costs.
    const idleMs = hasFailed ? 0 : Math.min(MAX_IDLE_MS, IDLE_FACTOR * (performance.now() - start))
    earliest = performance.now() + Math.max(leastMs, idleMs)
    const nextMs = isOutdated ? leastMs : hasFailed ? Math.min(PERIOD_MS, periodMs) : longestMs()
    plan(Math.max(nextMs, idleMs))
  }
  const plan = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (!document.hidden) void load()
    }, ms)
  }
  const hasNews = (): void => {
    if (earliest === undefined) isOutdated = true
    else if (!document.hidden) plan(Math.max(0, earliest - performance.now()))
  }
  document.addEventListener('visibilitychange', hasNews, { signal: ended.signal })
  const stopListening = effect(() => {
    const [latest] = events.value
    if (latest !== undefined && isNews(latest)) hasNews()
  })
  // What happened before the stream was live, or while it was not, is unknown.
  const stopLooking = effect(() => {
    if (isLive.value) hasNews()
  })
  void load()
  return () => {
    ended.abort()
    clearTimeout(timer)
    stopListening()
    stopLooking()
  }
}

async function fetchAnswer<Answer>(path: string, ended: AbortSignal): Promise<Partial<LiveAnswer<Answer>>> {
  const question = new AbortController()
  const abort = (): void => question.abort()
  let isTooLate = false
  const timer = setTimeout(() => {
    isTooLate = true
    abort()
  }, TIMEOUT_MS)
  ended.addEventListener('abort', abort)
  try {
    const response = await fetch(path, { signal: question.signal })
    const body = (await response.json()) as unknown
    if (response.ok) return { answer: body as Answer, answeredAt: new Date(), problem: undefined, needsToken: false }
    return { problem: (body as StatusError).message, needsToken: response.status === 401 }
  } catch (error) {
    if (isTooLate) return { problem: TEXTS.tooLate(TIMEOUT_MS / 1000) }
    return ended.aborted ? {} : { problem: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', abort)
  }
}

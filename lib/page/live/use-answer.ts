import { effect } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { type StatusError } from '../../status/status-document.js'
import { events } from './event-stream.js'

/** The last answer to a question that is asked again and again. */
export interface LiveAnswer<Answer> {
  /** Undefined: none came yet. */
  readonly answer: Answer | undefined
  /** Why the last question got no answer; undefined: it got one. */
  readonly problem: string | undefined
  /** Whether the proxy wants to know who asks. */
  readonly needsToken: boolean
}

/** Between two questions, in milliseconds: without news, and at least. */
const PERIOD_MS = 5000
const MIN_PERIOD_MS = 1000
/** The proxy spends at most one part of so many on the answers to a page. */
const IDLE_FACTOR = 20
const NONE = { answer: undefined, problem: undefined, needsToken: false }

/** Asks for a path of the status API every few seconds, and sooner when something happens, while the page is visible. */
export function useAnswer<Answer>(path: string): LiveAnswer<Answer> {
  const [state, setState] = useState<LiveAnswer<Answer>>(NONE)
  useEffect(() => {
    setState(NONE)
    return ask<Answer>(path, change => setState(before => ({ ...before, ...change })))
  }, [path])
  return state
}

/** @returns ends it */
function ask<Answer>(path: string, onChange: (change: Partial<LiveAnswer<Answer>>) => void): () => void {
  const ended = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Undefined while a question is open. */
  let earliest: number | undefined
  const load = async (): Promise<void> => {
    clearTimeout(timer)
    earliest = undefined
    const start = performance.now()
    onChange(await fetchAnswer<Answer>(path, ended.signal))
    if (ended.signal.aborted) return
    const idleMs = IDLE_FACTOR * (performance.now() - start)
    earliest = performance.now() + Math.max(MIN_PERIOD_MS, idleMs)
    plan(Math.max(PERIOD_MS, idleMs))
  }
  const plan = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (!document.hidden) void load()
    }, ms)
  }
  const hasNews = (): void => {
    if (earliest !== undefined && !document.hidden) plan(Math.max(0, earliest - performance.now()))
  }
  void load()
  document.addEventListener('visibilitychange', hasNews, { signal: ended.signal })
  const stopListening = effect(() => {
    if (events.value.length > 0) hasNews()
  })
  return () => {
    ended.abort()
    clearTimeout(timer)
    stopListening()
  }
}

async function fetchAnswer<Answer>(path: string, signal: AbortSignal): Promise<Partial<LiveAnswer<Answer>>> {
  try {
    const response = await fetch(path, { signal })
    const body = (await response.json()) as unknown
    if (response.ok) return { answer: body as Answer, problem: undefined, needsToken: false }
    return { problem: (body as StatusError).message, needsToken: response.status === 401 }
  } catch (error) {
    return signal.aborted ? {} : { problem: error instanceof Error ? error.message : String(error) }
  }
}

import { useRef } from 'preact/hooks'
import { type DemoDocument } from '../../demo-page/demo-document.js'
import { isRunning, runsOver } from './start-run.js'
import { type LiveAnswer, useAnswer } from './use-answer.js'

/** The cluster of the demo. */
export interface LiveDemo extends LiveAnswer<DemoDocument> {
  /** Whether something runs, of this page or of another one: nothing else may begin. */
  readonly isBusy: boolean
  /** Whether something may begin. Before the first answer, the page does not know. */
  readonly mayBegin: boolean
  /** The number of the lesson that is open, here or elsewhere; null: none. */
  readonly lesson: number | null
}

/** Asks for the cluster of the demo again and again. What a run has changed is asked for at once; until it is there, the page shows what it knows. */
export function useDemo(): LiveDemo {
  const asked = useAnswer<DemoDocument>(`/demo?after=${runsOver.value}`)
  const last = useRef(asked)
  if (asked.answer !== undefined) last.current = asked
  const { answer, answeredAt } = last.current
  const isBusy = isRunning.value || typeof asked.answer?.running === 'string'
  return {
    ...asked,
    answer,
    answeredAt,
    isBusy,
    mayBegin: answer !== undefined && !isBusy,
    lesson: asked.answer?.lesson ?? null,
  }
}

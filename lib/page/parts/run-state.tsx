import { type JSX } from 'preact'
import { type Run } from '../live/start-run.js'
import { TEXTS } from '../texts.js'
import { BusyNote } from './busy-note.js'
import { ProxyText } from './proxy-text.js'

const WORDS = TEXTS.levers

/** Whether something runs, here or elsewhere, or why it failed. */
export function RunState({
  run,
  isBusy,
  lesson,
}: {
  /** Of this view. */
  readonly run: Run | undefined
  /** Whether anything runs. */
  readonly isBusy: boolean
  /** The number of the lesson that is open; null: none. */
  readonly lesson: number | null
}): JSX.Element {
  const last = run?.lines.at(-1)
  return (
    <>
      {run?.isOver === false && <p>{WORDS.running}</p>}
      {run?.isOver !== false && isBusy && <BusyNote lesson={lesson} />}
      {last?.kind === 'failed' && (
        <p class="message">
          {WORDS.failed} <ProxyText>{last.message}</ProxyText>.{' '}
          {last.hint !== null && (
            <>
              <ProxyText>{last.hint}</ProxyText>.
            </>
          )}
        </p>
      )}
    </>
  )
}

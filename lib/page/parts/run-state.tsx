import { type JSX } from 'preact'
import { type Run } from '../live/start-run.js'
import { TEXTS } from '../texts.js'
import { ProxyText } from './proxy-text.js'

const WORDS = TEXTS.levers

/** Whether something runs, here or elsewhere, or why it failed. @param run of this view @param isBusy whether anything runs */
export function RunState({ run, isBusy }: { readonly run: Run | undefined; readonly isBusy: boolean }): JSX.Element {
  const last = run?.lines.at(-1)
  return (
    <>
      {run?.isOver === false && <p>{WORDS.running}</p>}
      {run?.isOver !== false && isBusy && <p class="message">{WORDS.busy}</p>}
      {last?.kind === 'failed' && (
        <p class="message">
          {WORDS.failed} <ProxyText>{last.hint === null ? last.message : `${last.message}. ${last.hint}.`}</ProxyText>
        </p>
      )}
    </>
  )
}

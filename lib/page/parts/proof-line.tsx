import { type JSX } from 'preact'
import { type RunLine } from '../../demo-page/demo-document.js'
import { pageLanguage } from '../language.js'
import { TEXTS } from '../texts.js'
import { Mark } from './mark.js'

const LANGUAGE = pageLanguage()

/** What has been measured, and whether it proves the answer. */
export function ProofLine({
  proof,
  value,
  holds,
}: Pick<Extract<RunLine, { readonly kind: 'answer' }>, 'proof' | 'value' | 'holds'>): JSX.Element {
  return (
    <p>
      <Mark kind={holds ? 'good' : 'bad'}>{`${TEXTS.ask.proof}: ${proof[LANGUAGE]}: ${value}`}</Mark>
    </p>
  )
}

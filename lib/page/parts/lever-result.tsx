import { type JSX } from 'preact'
import { type LeverEffect } from '../../demo-page/demo-document.js'
import { TEXTS } from '../texts.js'
import { DataTable } from './data-table.js'
import { Mark } from './mark.js'

const WORDS = TEXTS.levers

/** How many of the requests got no answer. */
export type Prediction = keyof typeof WORDS.predictions

/** What clients met after a change, beside what the user had expected; what they met during it does not count for that. */
export function LeverResult({
  effect,
  predicted,
}: {
  readonly effect: LeverEffect
  readonly predicted: Prediction
}): JSX.Element {
  const lost = effect.lost.reduce((sum, { count }) => sum + count, 0)
  const was: Prediction = lost === 0 ? 'none' : lost === effect.requests ? 'all' : 'some'
  const said = WORDS.predictions[predicted]
  const rows = [
    ...effect.answers.map(({ pod, count }) => ({ what: pod, kind: 'good' as const, count })),
    ...effect.lost.map(({ error, count }) => ({ what: WORDS.noAnswer(error), kind: 'bad' as const, count })),
  ]
  return (
    <>
      <p>
        <Mark kind={was === predicted ? 'good' : 'warning'}>
          {was === predicted ? WORDS.right(said) : WORDS.wrong(said, WORDS.predictions[was])}
        </Mark>{' '}
        {WORDS.requests(lost, effect.requests)} {WORDS.slowest(effect.slowestMs)}
      </p>
      {effect.during.requests > 0 && <p>{WORDS.during(effect.during.lost, effect.during.requests)}</p>}
      <p>
        {typeof effect.proxy === 'string'
          ? WORDS.uncounted[effect.proxy]
          : WORDS.proxy(effect.proxy.connections, effect.proxy.failedTries, effect.proxy.refused)}
      </p>
      <div class="side-by-side">
        <DataTable
          caption={WORDS.answeredBy}
          columns={[
            {
              title: WORDS.answeredBy,
              text: ({ what }) => what,
              cell: ({ what, kind }) => <Mark kind={kind}>{what}</Mark>,
            },
            { title: WORDS.counted, text: ({ count }) => TEXTS.number(count), isNumber: true },
          ]}
          rows={rows}
          rowKey={({ what }) => what}
          filter=""
        />
        <DataTable
          caption={WORDS.clients}
          columns={[
            { title: WORDS.client, text: ({ name }) => name },
            { title: WORDS.answeredBy, text: ({ pods }) => pods.join(', ') || TEXTS.none },
            { title: WORDS.seenAs, text: ({ seenAs }) => seenAs.join(', ') || TEXTS.none, isCode: true },
          ]}
          rows={effect.clients}
          rowKey={({ name }) => name}
          filter=""
        />
      </div>
    </>
  )
}

import { signal } from '@preact/signals'
import { type JSX } from 'preact'
import { type DemoDocument, type LeverKind, type LeverView, type PodState } from '../../demo-page/demo-document.js'
import { forgetRun, runs, startRun } from '../live/start-run.js'
import { useDemo } from '../live/use-demo.js'
import { AnswerState } from '../parts/answer-state.js'
import { BusyNote } from '../parts/busy-note.js'
import { DataTable } from '../parts/data-table.js'
import { LeverPanel } from '../parts/lever-panel.js'
import { type Prediction } from '../parts/lever-result.js'
import { Mark, type MarkKind } from '../parts/mark.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.levers
/** The levers that are about no single Pod. */
const GROUPS: readonly LeverKind[] = ['scale', 'affinity', 'internal', 'external', 'nodes', 'mode', 'api']
/** Answers of each client that the page shows. */
const MAX_ANSWERS = 5
const MARKS: Readonly<Record<PodState, MarkKind>> = {
  running: 'good',
  killed: 'bad',
  slow: 'warning',
  silent: 'bad',
  refusing: 'bad',
}

/** The lever that is chosen, and what the user expects of it. It outlives the view, as its run does. */
const choice = signal<
  { readonly number: number; readonly lever: LeverView; readonly predicted: Prediction | undefined } | undefined
>(undefined)
let choices = 0

function choose(lever: LeverView): void {
  forgetRun('levers')
  choice.value = { number: ++choices, lever, predicted: undefined }
}

/** Changes of the demo's cluster. */
export function LeversView(): JSX.Element {
  const { isBusy, lesson, ...asked } = useDemo()
  const demo = asked.answer
  const chosen = choice.value
  const button = (lever: LeverView, text: string): JSX.Element => (
    <button
      key={lever.id}
      type="button"
      aria-pressed={lever.isCurrent}
      disabled={lever.isCurrent || isBusy}
      onClick={() => choose(lever)}
    >
      {text}
    </button>
  )
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <AnswerState {...asked} />
      {demo !== undefined && (
        <>
          <h3>{WORDS.cluster}</h3>
          {GROUPS.map(kind => (
            <div key={kind} class="levers" role="group" aria-label={WORDS.kind(kind)}>
              <span aria-hidden="true">{WORDS.kind(kind)}</span>
              {demo.levers
                .filter(lever => lever.kind === kind)
                .map(lever => button(lever, WORDS.valueOf(kind, lever.value)))}
            </div>
          ))}
          <h3>{WORDS.pods}</h3>
          <DataTable
            caption={WORDS.pods}
            columns={[
              { title: WORDS.pod, text: ({ name }) => name },
              { title: WORDS.address, text: ({ ip }) => ip, isCode: true },
              {
                title: WORDS.state,
                text: ({ state }) => WORDS.stateOf(state),
                cell: ({ state }) => <Mark kind={MARKS[state]}>{WORDS.stateOf(state)}</Mark>,
              },
              {
                title: WORDS.change,
                text: () => '',
                cell: ({ name }) => (
                  <div class="levers" role="group" aria-label={name}>
                    {demo.levers
                      .filter(({ value, isCurrent }) => value === name && !isCurrent)
                      .map(lever => button(lever, WORDS.kind(lever.kind)))}
                  </div>
                ),
              },
            ]}
            rows={demo.pods}
            rowKey={({ name }) => name}
            filter=""
          />
          {chosen !== undefined && (
            <LeverPanel
              key={chosen.number}
              lever={chosen.lever}
              predicted={chosen.predicted}
              onPredict={predicted => (choice.value = { ...chosen, predicted })}
              run={runs.value.levers}
              isBusy={isBusy}
              lesson={lesson}
              onRun={id => void startRun('levers', id)}
              onCancel={() => (choice.value = undefined)}
            />
          )}
          {chosen === undefined && isBusy && <BusyNote lesson={lesson} />}
          <h3>{WORDS.clients}</h3>
          <DataTable
            caption={WORDS.clients}
            columns={[
              { title: WORDS.client, text: ({ name, ip }) => `${name} (${ip})` },
              { title: WORDS.asks, text: ({ url }) => url, isCode: true },
              { title: WORDS.last, text: ({ name }) => lastAnswers(demo, name) },
            ]}
            rows={demo.clients}
            rowKey={({ name }) => name}
            filter=""
          />
        </>
      )}
    </View>
  )
}

function lastAnswers({ requests }: DemoDocument, name: string): string {
  const own = requests.filter(({ client }) => client === name).slice(0, MAX_ANSWERS)
  return own.map(({ pod, error }) => pod ?? WORDS.noAnswer(error ?? '')).join(', ')
}

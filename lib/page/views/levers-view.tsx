import { type JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { type DemoDocument, type LeverKind, type LeverView, type PodState } from '../../demo-page/demo-document.js'
import { useAnswer } from '../live/use-answer.js'
import { useRun } from '../live/use-run.js'
import { DataTable } from '../parts/data-table.js'
import { LeverPanel } from '../parts/lever-panel.js'
import { Mark, type MarkKind } from '../parts/mark.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.levers
/** The levers that are about no single Pod. */
const GROUPS: readonly LeverKind[] = ['scale', 'affinity', 'internal', 'external', 'nodes', 'mode']
/** Answers of each client that the page shows. */
const MAX_ANSWERS = 5
const MARKS: Readonly<Record<PodState, MarkKind>> = {
  running: 'good',
  killed: 'bad',
  slow: 'warning',
  silent: 'bad',
  refusing: 'bad',
}

/** Changes of the demo's cluster. */
export function LeversView(): JSX.Element {
  const [chosen, setChosen] = useState<LeverView>()
  const [run, start] = useRun()
  // What a lever has changed is asked for at once; until it is there, the page shows what it knows.
  const { answer, problem } = useAnswer<DemoDocument>(`/demo?after=${run?.isOver === true ? run.id : ''}`)
  const last = useRef<DemoDocument>()
  last.current = answer ?? last.current
  const demo = last.current
  const isRunning = run?.isOver === false
  const button = (lever: LeverView, text: string): JSX.Element => (
    <button
      key={lever.id}
      type="button"
      aria-pressed={lever.isCurrent}
      disabled={lever.isCurrent || isRunning}
      onClick={() => setChosen(lever)}
    >
      {text}
    </button>
  )
  return (
    <View title={WORDS.title} about={WORDS.about}>
      {demo === undefined ? (
        <p class="message">{problem ?? TEXTS.loading}</p>
      ) : (
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
              key={chosen.id}
              lever={chosen}
              run={run?.id === chosen.id ? run : undefined}
              onRun={id => void start(id)}
              onCancel={() => setChosen(undefined)}
            />
          )}
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

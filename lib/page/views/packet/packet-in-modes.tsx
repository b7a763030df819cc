import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type ExplainedStep, type Explanation } from '../../../explain/explanation.js'
import { useAnswer } from '../../live/use-answer.js'
import { AnswerState } from '../../parts/answer-state.js'
import { Mark } from '../../parts/mark.js'
import { ProxyText } from '../../parts/proxy-text.js'
import { TEXTS } from '../../texts.js'
import { type AnsweredPacket } from './answered-packet.js'
import { firstWay } from './first-way.js'

const WORDS = TEXTS.packet
/** What other modes would have changes only with the Service. In milliseconds. */
const PERIOD_MS = 60_000

/** The same packet in columns, a mode each. Nothing is asked before the reader opens them. */
export function PacketInModes({ query, explanation, modes }: AnsweredPacket & { readonly query: string }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{WORDS.inModes}</summary>
      {isOpen && (
        <>
          <p>{WORDS.aboutModes}</p>
          <div class="side-by-side">
            {modes.map(mode => (
              <section key={mode} class="in-mode">
                <h3>
                  {WORDS.mode(mode)}{' '}
                  <Mark kind={mode === explanation.mode ? 'good' : 'idle'}>
                    {mode === explanation.mode ? WORDS.servesNow : WORDS.planned}
                  </Mark>
                </h3>
                {mode === explanation.mode ? (
                  <Column explanation={explanation} />
                ) : (
                  <Planned query={query} mode={mode} />
                )}
              </section>
            ))}
          </div>
        </>
      )}
    </details>
  )
}

function Planned({ query, mode }: { readonly query: string; readonly mode: string }): JSX.Element {
  const asked = useAnswer<AnsweredPacket>(`/v1/explain?${query}&mode=${mode}`, PERIOD_MS)
  return (
    <>
      <AnswerState {...asked} />
      {asked.answer !== undefined && <Column explanation={asked.answer.explanation} />}
    </>
  )
}

function Column({ explanation }: { readonly explanation: Explanation }): JSX.Element {
  const steps = [...explanation.steps, ...(firstWay(explanation)?.steps ?? [])]
  return (
    <>
      <p class="message">
        <ProxyText>{explanation.answer}</ProxyText>
      </p>
      <ol>
        {steps.map((step, index) => (
          <li key={index}>
            <Step {...step} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Step({ kind, hook, table, chain, packets, sentence }: ExplainedStep): JSX.Element {
  const places = [hook, table, chain].filter(place => place !== null)
  return (
    <>
      <span class="quiet">{WORDS.step(kind)}</span> {places.length > 0 && <code>{places.join(' › ')}</code>}{' '}
      {packets !== null && <span class="counter">{WORDS.packets(packets)}</span>} <ProxyText>{sentence}</ProxyText>
    </>
  )
}

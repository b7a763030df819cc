import { type JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { type ExplainedWay, type Explanation } from '../../../explain/explanation.js'
import { useAnswer } from '../../live/use-answer.js'
import { AnswerState } from '../../parts/answer-state.js'
import { ProxyText } from '../../parts/proxy-text.js'
import { TEXTS } from '../../texts.js'
import { type AnsweredPacket } from './answered-packet.js'
import { type Counters, countersOf } from './counters.js'
import { PacketChoice } from './packet-choice.js'
import { firstWay } from './first-way.js'
import { packetEnds } from './packet-ends.js'
import { PacketInModes } from './packet-in-modes.js'
import { PacketSteps } from './packet-steps.js'

const WORDS = TEXTS.packet
/** Between two questions: counters are to be seen as they rise. In milliseconds. */
const PERIOD_MS = 2000

/** The whole way of a packet, asked for again and again. */
export function PacketAnswer({ from, to }: { readonly from: string; readonly to: string }): JSX.Element {
  const query = new URLSearchParams({ from, to }).toString()
  const asked = useAnswer<AnsweredPacket>(`/v1/explain?${query}`, PERIOD_MS)
  return (
    <>
      <AnswerState {...asked} />
      {asked.answer !== undefined && (
        <>
          <Way explanation={asked.answer.explanation} />
          <PacketInModes query={query} {...asked.answer} />
        </>
      )}
    </>
  )
}

function Way({ explanation }: { readonly explanation: Explanation }): JSX.Element {
  const { from, to, answer, steps, ways, notes } = explanation
  const [chosen, choose] = useState<string>()
  const counters = useCounters(explanation)
  const way = ways.find(each => keyOf(each) === chosen) ?? firstWay(explanation)
  const port = to.port === 0 ? '' : `:${to.port}`
  const destination = `${to.address.includes(':') ? `[${to.address}]` : to.address}${port}`
  const all = packetEnds([...steps, ...(way?.steps ?? [])], { source: from.address, destination })
  const remarks = [...(way?.assumptions ?? []), ...notes]
  return (
    <>
      <p class="message answer" role="status">
        <ProxyText>{answer}</ProxyText>
      </p>
      <h3>{WORDS.how}</h3>
      <PacketSteps steps={all.slice(0, steps.length)} counters={counters} start={1} />
      <PacketChoice {...explanation} />
      {way !== undefined && (
        <>
          <h3>{ways.length > 1 ? WORDS.then : WORDS.thenTo(WORDS.end(way.end, way.endpoint))}</h3>
          {ways.length > 1 && (
            <label class="choice">
              {WORDS.way}{' '}
              <select value={keyOf(way)} onChange={event => choose(event.currentTarget.value)}>
                {ways.map(each => (
                  <option key={keyOf(each)} value={keyOf(each)}>
                    {WORDS.wayTo(each.end, each.endpoint, WORDS.percent(each.odds))}
                  </option>
                ))}
              </select>
            </label>
          )}
          <PacketSteps steps={all.slice(steps.length)} counters={counters} start={steps.length + 1} />
          {way.wayBack.length > 0 && <h3>{WORDS.back}</h3>}
          <Sentences of={way.wayBack} />
        </>
      )}
      {remarks.length > 0 && <h3>{WORDS.notes}</h3>}
      <Sentences of={remarks} />
    </>
  )
}

function Sentences({ of }: { readonly of: readonly string[] }): JSX.Element {
  return (
    <>
      {of.map(sentence => (
        <p key={sentence}>
          <ProxyText>{sentence}</ProxyText>
        </p>
      ))}
    </>
  )
}

/** The counters of the latest answer, compared with those before. */
function useCounters(explanation: Explanation): Counters {
  const last = useRef<{ readonly of?: Explanation; readonly counters: Counters }>({ counters: new Map() })
  if (last.current.of !== explanation)
    last.current = { of: explanation, counters: countersOf(explanation, last.current.counters) }
  return last.current.counters
}

function keyOf({ end, endpoint, assumptions }: ExplainedWay): string {
  return [end, endpoint ?? '', ...assumptions].join(' ')
}

import { type JSX } from 'preact'
import { type PacketEnds } from '../../../explain/explanation.js'
import { ProxyText } from '../../parts/proxy-text.js'
import { TEXTS } from '../../texts.js'
import { type Counters, type Rise, riseOf } from './counters.js'
import { type StepWithEnds } from './packet-ends.js'

const WORDS = TEXTS.packet

/** Steps of a packet, each with its place, its rule, its counter, and the addresses before and after it. */
export function PacketSteps({
  steps,
  counters,
  start,
}: {
  readonly steps: readonly StepWithEnds[]
  readonly counters: Counters
  /** The number of the first step. */
  readonly start: number
}): JSX.Element {
  return (
    <ol class="steps" start={start}>
      {steps.map((each, index) => (
        <Step key={index} {...each} number={start + index} rise={riseOf(each.step, counters)} />
      ))}
    </ol>
  )
}

function Step({
  step,
  before,
  after,
  number,
  rise,
}: StepWithEnds & { readonly number: number; readonly rise: Rise | undefined }): JSX.Element {
  const { kind, hook, table, chain, position, rule, packets, sentence, isAssumed } = step
  const places = [hook, table, chain].filter(place => place !== null)
  return (
    <li class={kind === 'rule' || kind === 'policy' ? undefined : 'turning'}>
      <span class="number-of-step" aria-hidden="true">
        {number}
      </span>
      <p class="place">
        <span class="quiet">{WORDS.step(kind)}</span> {places.length > 0 && <code>{places.join(' › ')}</code>}{' '}
        {position !== null && <span class="quiet">{WORDS.position(position)}</span>}
        {packets !== null && <Counter packets={packets} rise={rise} />}
      </p>
      <p>
        <ProxyText>{sentence}</ProxyText> {isAssumed && WORDS.assumed}
      </p>
      {rule !== null && <code class="rule">{rule}</code>}
      <Ends before={before} after={after} />
    </li>
  )
}

function Counter({ packets, rise }: { readonly packets: number; readonly rise: Rise | undefined }): JSX.Element {
  return (
    <span class="counter">
      {WORDS.packets(packets)}
      {rise !== undefined && (
        <span class={rise.isNew ? 'risen new' : 'risen'}>
          {rise.isNew && (
            <>
              <span aria-hidden="true">▲ </span>
              <span class="for-reader">{WORDS.justRisen} </span>
            </>
          )}
          {WORDS.risen(rise.total)}
        </span>
      )}
    </span>
  )
}

function Ends({ before, after }: { readonly before: PacketEnds; readonly after: PacketEnds }): JSX.Element {
  const isSame = before.source === after.source && before.destination === after.destination
  if (isSame)
    return (
      <p class="ends quiet">
        {WORDS.packet}: <code>{endsText(before)}</code>
      </p>
    )
  return (
    <dl class="ends">
      <div>
        <dt>{WORDS.before}</dt>
        <dd>
          <code>{endsText(before)}</code>
        </dd>
      </div>
      <div>
        <dt>{WORDS.after}</dt>
        <dd>
          <code>
            <End text={after.source} isChanged={before.source !== after.source} /> →{' '}
            <End text={after.destination} isChanged={before.destination !== after.destination} />
          </code>
        </dd>
      </div>
    </dl>
  )
}

function End({ text, isChanged }: { readonly text: string; readonly isChanged: boolean }): JSX.Element {
  return isChanged ? <mark>{text}</mark> : <>{text}</>
}

function endsText({ source, destination }: PacketEnds): string {
  return `${source} → ${destination}`
}

import { type ComponentChildren, type JSX } from 'preact'
import {
  type ExplainedCandidate,
  type ExplainedListener,
  type ExplainedService,
  type Explanation,
} from '../../../explain/explanation.js'
import { type Column, DataTable } from '../../parts/data-table.js'
import { Mark } from '../../parts/mark.js'
import { ProxyText } from '../../parts/proxy-text.js'
import { TEXTS } from '../../texts.js'

const WORDS = TEXTS.packet

/** Why a packet goes to these endpoints: the socket, the policy, and each candidate. */
export function PacketChoice({ service, listener }: Pick<Explanation, 'service' | 'listener'>): JSX.Element | null {
  if (service === null) return null
  return (
    <>
      <h3>{WORDS.why}</h3>
      <dl class="reasons">
        {listener !== null && <Reason title={WORDS.socket}>{socketOf(listener)}</Reason>}
        <Reason title={WORDS.policy}>
          <ProxyText>{service.policy}</ProxyText>
        </Reason>
        <Reason title={WORDS.affinity}>
          <ProxyText>{service.affinity}</ProxyText>
        </Reason>
        <Reason title={WORDS.pick}>
          <ProxyText>{service.balancing}</ProxyText>
        </Reason>
      </dl>
      <DataTable
        caption={WORDS.candidates}
        columns={columnsOf(service, listener?.processes.length === 1)}
        rows={service.candidates}
        rowKey={({ address, slice }) => `${slice} ${address}`}
        filter=""
      />
    </>
  )
}

function Reason({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function socketOf({ address, port, protocol, processes }: ExplainedListener): JSX.Element {
  return (
    <>
      <code>
        {address.includes(':') ? `[${address}]` : address}:{port}/{protocol}
      </code>{' '}
      {processes.map(({ worker, pid, open }) => WORDS.holder(worker, pid, open)).join('; ')}
    </>
  )
}

/** @param isAlone whether one process holds the socket: its number says nothing then */
function columnsOf({ kept }: ExplainedService, isAlone: boolean): readonly Column<ExplainedCandidate>[] {
  return [
    { title: TEXTS.service.endpoint, text: ({ address }) => address, isCode: true },
    {
      title: TEXTS.service.state,
      text: stateOf,
      cell: candidate => (
        <Mark kind={isEjected(candidate) ? 'warning' : candidate.isUsed ? 'good' : 'bad'}>{stateOf(candidate)}</Mark>
      ),
    },
    { title: TEXTS.service.reason, text: candidate => reasonsOf(candidate, kept).join('; ') },
    { title: WORDS.odds, text: ({ odds }) => (odds === 0 ? TEXTS.none : WORDS.percent(odds)), isNumber: true },
    {
      title: WORDS.turn,
      text: candidate => turnOf(candidate, isAlone),
      cell: candidate => <Turn text={turnOf(candidate, isAlone)} />,
    },
    {
      title: TEXTS.service.open,
      text: ({ live }) => (live === null ? TEXTS.none : TEXTS.number(live.open)),
      isNumber: true,
    },
    { title: TEXTS.service.slice, text: ({ slice }) => slice },
  ]
}

function isEjected({ live }: ExplainedCandidate): boolean {
  return live !== null && live.ejected.length > 0
}

function stateOf(candidate: ExplainedCandidate): string {
  if (isEjected(candidate)) return TEXTS.service.ejected
  return candidate.isUsed ? TEXTS.service.in : TEXTS.service.out
}

function reasonsOf(candidate: ExplainedCandidate, kept: ExplainedService['kept']): string[] {
  const longest = Math.max(0, ...(candidate.live?.ejected ?? []).map(({ forMs }) => forMs))
  return [
    TEXTS.service.verdict(candidate),
    ...(kept?.endpoint === candidate.address ? [WORDS.kept] : []),
    ...(longest === 0 ? [] : [WORDS.ejectedFor(Math.ceil(longest / 1000))]),
  ]
}

function Turn({ text }: { readonly text: string }): JSX.Element {
  return text === TEXTS.none ? <>{text}</> : <strong>▶ {text}</strong>
}

function turnOf({ live }: ExplainedCandidate, isAlone: boolean): string {
  if (live === null || live.nextIn.length === 0) return TEXTS.none
  if (isAlone) return WORDS.next
  const workers = live.nextIn.filter(worker => worker !== null)
  return workers.length === 0 ? WORDS.next : WORDS.nextIn(workers)
}

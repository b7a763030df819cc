import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type ListenerView as Listener } from '../../status/listener-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { PERIOD_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { Mark } from '../parts/mark.js'
import { portText } from '../parts/port-text.js'
import { ProxyText, proxyPlainText, proxyWords } from '../parts/proxy-text.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.listeners

const COLUMNS: readonly Column<Listener>[] = [
  { title: WORDS.socket, text: socketOf, isCode: true },
  {
    title: WORDS.state,
    text: stateOf,
    cell: listener => <Mark kind={listener.isListening ? 'good' : 'idle'}>{stateOf(listener)}</Mark>,
  },
  { title: WORDS.service, text: portText },
  { title: WORDS.frontends, ...lines<Listener>(({ frontends }) => frontends.map(proxyPlainText)) },
  { title: WORDS.why, text: ({ why }) => proxyWords(why), cell: ({ why }) => <ProxyText>{why}</ProxyText> },
  {
    title: WORDS.processes,
    ...lines<Listener>(({ processes }) => processes.map(({ worker, pid, open }) => WORDS.process(worker, pid, open))),
  },
]

/** The sockets that take clients. */
export function ListenersView(): JSX.Element {
  const [filter, setFilter] = useState('')
  const answer = useAnswer<StatusDocument<Listener>>('/v1/listeners', PERIOD_MS, CHANGES)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <FilterBox value={filter} onChange={setFilter} />
      <Answered from={answer}>
        {listeners => (
          <DataTable
            caption={WORDS.title}
            columns={COLUMNS}
            rows={listeners}
            rowKey={listener => `${portText(listener)} ${socketOf(listener)}`}
            filter={filter}
          />
        )}
      </Answered>
    </View>
  )
}

function socketOf({ address, port }: Listener): string {
  if (port === 0) return WORDS.notOpen
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function stateOf({ isListening }: Listener): string {
  return isListening ? WORDS.listening : WORDS.closed
}

/** A cell with a line for each of several things. */
function lines<Row>(of: (row: Row) => readonly string[]): Pick<Column<Row>, 'text' | 'cell'> {
  return {
    text: row => of(row).join(', ') || TEXTS.none,
    cell: row => (of(row).length === 0 ? TEXTS.none : of(row).map(line => <div key={line}>{line}</div>)),
  }
}

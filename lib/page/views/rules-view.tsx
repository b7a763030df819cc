import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type RuleView as Rule } from '../../status/rule-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { PERIOD_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { ProxyText, proxyWords } from '../parts/proxy-text.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.rules

const COLUMNS: readonly Column<Rule>[] = [
  {
    title: WORDS.place,
    text: ({ family, table, chain }) => `${family} ${table} ${chain}`,
    cell: ({ family, table, chain }) => (
      <>
        <span class="quiet">
          {family} {table}
        </span>{' '}
        {chain}
      </>
    ),
    isCode: true,
  },
  { title: WORDS.position, text: ({ position }) => String(position), isNumber: true },
  {
    title: WORDS.rule,
    text: ({ sentence, rule }) => `${proxyWords(sentence)} ${rule}`,
    cell: ({ sentence, rule }) => (
      <>
        <div>
          <ProxyText>{sentence}</ProxyText>
        </div>
        <code>{rule}</code>
      </>
    ),
  },
  { title: WORDS.packets, text: ({ packets }) => countText(packets), isNumber: true },
  { title: WORDS.bytes, text: ({ bytes }) => countText(bytes), isNumber: true },
]

/** The rules in the kernel. */
export function RulesView(): JSX.Element {
  const [filter, setFilter] = useState('')
  const answer = useAnswer<StatusDocument<Rule>>('/v1/rules?limit=5000', PERIOD_MS, CHANGES)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <FilterBox value={filter} onChange={setFilter} />
      <Answered from={answer}>
        {rules => (
          <DataTable
            caption={WORDS.title}
            columns={COLUMNS}
            rows={rules}
            rowKey={({ family, table, chain, position }) => `${family} ${table} ${chain} ${position}`}
            filter={filter}
          />
        )}
      </Answered>
    </View>
  )
}

function countText(count: number | null): string {
  return count === null ? TEXTS.none : TEXTS.number(count)
}

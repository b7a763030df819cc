import { type ComponentChildren, type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { TEXTS } from '../texts.js'

/** One column of a table. */
export interface Column<Row> {
  readonly title: string
  /** What stands there, and what a filter looks at. */
  readonly text: (row: Row) => string
  /** How it looks; absent: as its text. */
  readonly cell?: (row: Row) => ComponentChildren
  /** Numbers stand below each other at the right. */
  readonly isNumber?: true
  /** Addresses and rules, where each character counts. */
  readonly isCode?: true
}

/** Browsers get slow with many thousand rows: further ones come on demand. */
const ROWS_AT_A_TIME = 200

/** A table whose rows match a filter. It says how many there are, and shows the first ones. */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  rowKey,
  filter,
}: {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  readonly filter: string
}): JSX.Element {
  const [most, setMost] = useState(ROWS_AT_A_TIME)
  const matching = rows.filter(row => isMatch(columns, row, filter))
  const shown = matching.slice(0, most)
  const hidden = matching.length - shown.length
  return (
    <div class="data">
      <p class="count" role="status">
        {rows.length === 0
          ? TEXTS.nothing
          : matching.length === 0
            ? TEXTS.noMatch
            : TEXTS.rows(shown.length, matching.length, rows.length)}
      </p>
      {shown.length > 0 && (
        // The roles stay when a narrow window shows rows as cards.
        <table role="table">
          <caption class="for-reader">{caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map(({ title, isNumber }) => (
                <th key={title} role="columnheader" scope="col" class={isNumber === true ? 'number' : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map(row => (
              <tr key={rowKey(row)} role="row">
                {columns.map(column => (
                  <Cell key={column.title} column={column} row={row} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hidden > 0 && (
        <button type="button" class="more" onClick={() => setMost(most + ROWS_AT_A_TIME)}>
          {TEXTS.showMore(Math.min(hidden, ROWS_AT_A_TIME))}
        </button>
      )}
    </div>
  )
}

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }): JSX.Element {
  const { title, text, cell, isNumber, isCode } = column
  const classes = [isNumber === true && 'number', isCode === true && 'code'].filter(name => name !== false)
  return (
    <td role="cell" data-title={title} class={classes.length === 0 ? undefined : classes.join(' ')}>
      <div>{cell === undefined ? text(row) : cell(row)}</div>
    </td>
  )
}

/** Every word of the filter must stand somewhere in the row. */
function isMatch<Row>(columns: readonly Column<Row>[], row: Row, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/)
  if (words.every(word => word === '')) return true
  const text = columns.map(column => column.text(row).toLowerCase()).join('\n')
  return words.every(word => text.includes(word))
}

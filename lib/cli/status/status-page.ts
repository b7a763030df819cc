import { type TerminalStyle } from '../../terminal/terminal-style.js'
import { TextTable } from '../../terminal/text-table.js'
import { ChangedRows } from './changed-rows.js'
import { type Column, type StatusKind, toCell } from './status-kinds.js'

/** What a page shows. */
export interface StatusPageOptions {
  readonly kind: StatusKind
  readonly isWide: boolean
  /** Whether a column says the namespace. */
  readonly showsNamespace: boolean
  readonly style: TerminalStyle
}

/** The table of one kind of things. When it is asked again, it gives only the rows that are new or different. */
export class StatusPage {
  readonly #kind: StatusKind
  readonly #columns: readonly Column<never>[]
  readonly #table: TextTable
  readonly #rows = new ChangedRows()
  #hasHead = false

  constructor({ kind, isWide, showsNamespace, style }: StatusPageOptions) {
    const namespace: Column<{ readonly namespace: string }> = { title: 'NAMESPACE', cell: item => item.namespace }
    const shown = kind.columns.filter(column => isWide || column.isWide !== true)
    this.#kind = kind
    this.#columns = kind.hasNamespaces && showsNamespace ? [namespace, ...shown] : shown
    this.#table = new TextTable(style)
  }

  /** The lines for items. @param now milliseconds since 1970 */
  lines(items: readonly unknown[], now: number): string[] {
    const rows = items.map(item => {
      const cells = this.#columns.map(({ cell }) => toCell(cell(item as never, now)))
      const content = cells.map(({ text }, index) => this.#columns[index]!.content?.(item as never) ?? text)
      return { cells, key: keyOf(this.#kind, item), content: content.join('\0') }
    })
    const fresh = this.#rows.next(rows).map(({ cells }) => cells)
    const head = this.#hasHead || fresh.length === 0 ? [] : [this.#columns.map(({ title }) => ({ text: title }))]
    this.#hasHead ||= head.length > 0
    return this.#table.format([...head, ...fresh])
  }
}

function keyOf({ key }: StatusKind, item: unknown): string {
  return key.map(field => String((item as Readonly<Record<string, unknown>>)[field])).join('\0')
}

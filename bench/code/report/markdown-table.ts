/** A table of a page, the first row being the heading: the first column to the left, numbers to the right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const [heading, ...body] = rows.map(row => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  const alignment = `|${rows[0]!.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`
  return [heading, alignment, ...body].join('\n')
}

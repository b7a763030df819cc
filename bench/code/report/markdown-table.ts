/** A Markdown table; the first row is the heading. The first column is aligned left, the others right. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const [heading, ...body] = rows.map(row => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  const alignment = `|${rows[0]!.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`
  return [heading, alignment, ...body].join('\n')
}

import { renderTable } from '../../report/markdown-table.js'
import { RELIABILITY_CASES } from '../cases/all-cases.js'
import { OPEN_CONNECTIONS, REQUESTS_PER_SECOND } from '../load/reliability-load.js'
import { type ReliabilityResults } from '../reliability-results.js'
import { DRAIN_SECONDS, SETUPS } from '../setups.js'
import { CASE_HEADINGS, formatCaseRow } from './case-row.js'

/** The measured part of the page: a table for each case, and the circumstances. @param picture its path, relative to the page */
export function renderReliabilityTables(
  { circumstances, missing, results }: ReliabilityResults,
  picture: string,
): string {
  const { machine, versions } = circumstances
  const sections = RELIABILITY_CASES.flatMap(({ name, title, description, promise }) => {
    const rows = SETUPS.flatMap(setup => {
      const result = results.find(each => each.case === name && each.setup === setup.name)
      if (result === undefined) return []
      const kept = !setup.isJudged ? '' : result.isKept ? '✓ ' : '✗ '
      return [[`${kept}${setup.title}`, ...formatCaseRow(result.figures)]]
    })
    if (rows.length === 0) return []
    return [`### ${title}\n\n${description} ${promise}\n\n${renderTable([['', ...CASE_HEADINGS], ...rows])}\n`]
  })
  return `![New and open connections over time](${picture})

${REQUESTS_PER_SECOND} new connections per second with one request each, ${OPEN_CONNECTIONS} open connections that exchange a byte each second, and
\`--drain-timeout=${DRAIN_SECONDS}s\`. ✓ and ✗ say whether the promise was kept. The last column is what a program saw that looked at the rules and at
the listening sockets of the node ten times a second; shorter states are left out.

${sections.join('\n')}
### The machine

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions, ...missing })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}`
}

import { TIMEOUT_FACTOR_OF_VM } from '../../../../test/support/nodes/timeout-factor.js'
import { renderTable } from '../../report/markdown-table.js'
import { RELIABILITY_CASES } from '../cases/all-cases.js'
import { LOAD_OF_NODE } from '../load/load-size.js'
import { type ReliabilityResults, type VmRun } from '../reliability-results.js'
import { DRAIN_SECONDS, SETUPS } from '../setups.js'
import { CASE_HEADINGS, formatCaseRow } from './case-row.js'

/** Marks what was measured in a virtual machine. */
const VM_MARK = '†'

/** The measured part of the page: a table for each case, and the circumstances. @param picture its path, relative to the page */
export function renderReliabilityTables(
  { circumstances, missing, results, inVm }: ReliabilityResults,
  picture: string,
): string {
  const { machine, versions } = circumstances
  const sections = RELIABILITY_CASES.flatMap(({ name, title, description, promise }) => {
    const rows = SETUPS.flatMap(setup => {
      const result = results.find(each => each.case === name && each.setup === setup.name)
      if (result === undefined) return []
      const kept = !setup.isJudged ? '' : result.isKept ? '✓ ' : '✗ '
      const where = inVm?.setups.includes(setup.name) === true ? ` ${VM_MARK}` : ''
      return [[`${kept}${setup.title}${where}`, ...formatCaseRow(result.figures)]]
    })
    if (rows.length === 0) return []
    return [`### ${title}\n\n${description} ${promise}\n\n${renderTable([['', ...CASE_HEADINGS], ...rows])}\n`]
  })
  return `![New and open connections over time](${picture})

${LOAD_OF_NODE.requestsPerSecond} new connections per second with one request each, ${LOAD_OF_NODE.openConnections} open connections that exchange a byte each second, and
\`--drain-timeout=${DRAIN_SECONDS}s\`. ✓ and ✗ say whether the promise was kept. The last column is what a program saw that looked at the rules and at
the listening sockets of the node ten times a second; shorter states are left out.
${inVm === undefined ? '' : renderVmNote(inVm)}
${sections.join('\n')}
### The machine

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions, ...missing })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}${inVm === undefined ? '' : renderVm(inVm)}`
}

function renderVmNote({ load }: VmRun): string {
  return `
${VM_MARK} In a virtual machine whose processors are emulated, since the kernel of this one has no IPVS: with ${load.requestsPerSecond} new
connections per second and ${load.openConnections} open ones, and ${TIMEOUT_FACTOR_OF_VM} times as long to answer before a request counts as lost.
`
}

function renderVm({ circumstances: { machine, versions, at } }: VmRun): string {
  const rows = Object.entries({ ...machine, date: at.slice(0, 10), ...versions })
  return `

${VM_MARK} The virtual machine:

| | |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}`
}

import { escapeXml, renderSvg } from '../../report/svg-document.js'
import { RELIABILITY_CASES } from '../cases/all-cases.js'
import { type ReliabilityResults } from '../reliability-results.js'
import { SETUPS } from '../setups.js'
import { PANEL_HEIGHT, PANEL_WIDTH, renderCasePanel } from './case-panel.js'

/** The cases and setups that are drawn: one row for each case. */
const ROWS = ['surge-update', 'restart', 'kill-control', 'kill-all']
const COLUMNS = ['userspace-1', 'original']
const GAP = 32
const LEGEND_HEIGHT = 32
const LEGEND = [
  ['answered', 'new connections that were answered'],
  ['lost', 'lost'],
] as const
const LEGEND_WIDTH = 245

/** Draws the same events with this program and with the original. */
export function renderReliabilityPicture({ results }: ReliabilityResults): string {
  const columns = COLUMNS.filter(name => results.some(({ setup }) => setup === name))
  const rows = ROWS.filter(name => results.some(each => each.case === name))
  const panels = rows.flatMap((row, rowIndex) => {
    const ofRow = results.filter(each => each.case === row && columns.includes(each.setup))
    // One axis for a row, so that its panels can be compared.
    const from = Math.min(...ofRow.map(({ figures }) => figures.timeline.fromMs))
    const until = Math.max(...ofRow.map(({ figures }) => figures.leads.at(-1)?.untilMs ?? 0))
    return ofRow.map(({ setup, figures }) => {
      const caseTitle = RELIABILITY_CASES.find(({ name }) => name === row)!.title.replaceAll('`', '')
      const setupTitle = SETUPS.find(({ name }) => name === setup)!.title
      const left = columns.indexOf(setup) * (PANEL_WIDTH + GAP)
      const top = LEGEND_HEIGHT + rowIndex * (PANEL_HEIGHT + GAP)
      return `<g transform="translate(${left} ${top})">${renderCasePanel(`${caseTitle}: ${setupTitle}`, figures, from, until)}</g>`
    })
  })
  const legend = LEGEND.map(
    ([look, text], n) =>
      `<rect class="${look}" x="${n * LEGEND_WIDTH}" y="2" width="12" height="12"/><text class="what" x="${n * LEGEND_WIDTH + 18}" y="12">${escapeXml(text)}</text>`,
  )
  const openLeft = 320
  legend.push(
    `<path class="open" d="M${openLeft} 8h18"/><text class="what" x="${openLeft + 24}" y="12">open connections; the bar below: where the rules lead new clients</text>`,
  )
  return renderSvg({
    title: 'New and open connections while a proxy is updated, restarted and killed',
    width: columns.length * (PANEL_WIDTH + GAP) - GAP,
    height: LEGEND_HEIGHT + rows.length * (PANEL_HEIGHT + GAP) - GAP,
    style: `.answered { fill: #9ecbff } .lost { fill: #cf222e } .open { fill: none; stroke: #24292f; stroke-width: 1.4 } .event { stroke: #818b98; stroke-dasharray: 3 3 }
.old { fill: #c8e1ff } .new { fill: #aceebb } .kernel { fill: #d8dee4 } .dead { fill: #ffaba8 } .strip { font-size: 10px }`,
    darkStyle:
      '.answered { fill: #1f4b7a } .lost { fill: #f85149 } .open { stroke: #e6edf3 } .old { fill: #0c2d6b } .new { fill: #033a16 } .kernel { fill: #484f58 } .dead { fill: #78191b }',
    body: [...legend, ...panels].join('\n'),
  })
}

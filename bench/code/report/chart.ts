import { type Load, type Metric } from '../loads/load.js'
import { formatNumber } from './format-number.js'
import { type Suite } from '../suites/suite.js'
import { isTimedOut } from './timed-out.js'
import { type Results } from './results.js'
import { type Summary, summarize } from './statistics.js'
import { escapeXml, renderSvg } from './svg-document.js'
import { valuesOf } from './targets.js'

const COLUMNS = 2
const WIDTH = 440
const GAP = 32
const ROW = 22
const LABEL = 164
const VALUE = 80
const HEAD = 44

interface Bar {
  readonly title: string
  readonly isThisProxy: boolean
  readonly summary: Summary
  /** The value exceeded its limit, so the real one is larger. */
  readonly isTimedOut: boolean
}

/** Draws bars of the medians, with a line for the range of the rounds. */
export function renderChart(results: Results, { loads, contenders, page }: Suite): string {
  const panels = page.panels.flatMap(([loadName, metricName]) => {
    const load = loads.find(({ name }) => name === loadName)
    const metric = load?.metrics.find(({ name }) => name === metricName)
    const bars = contenders.flatMap(({ name, title }): Bar[] => {
      const summary = summarize(valuesOf(results, loadName, name, metricName))
      if (summary === undefined) return []
      const samples = results.loads.find(result => result.name === loadName)?.samples[name] ?? []
      return [
        {
          title,
          isThisProxy: name.startsWith('kube-proxy-node'),
          summary,
          isTimedOut: isTimedOut(samples, metricName),
        },
      ]
    })
    return load === undefined || metric === undefined || bars.length === 0 ? [] : [{ load, metric, bars }]
  })
  let top = 0
  const parts: string[] = []
  for (let first = 0; first < panels.length; first += COLUMNS) {
    const row = panels.slice(first, first + COLUMNS)
    for (const [column, { load, metric, bars }] of row.entries())
      parts.push(`<g transform="translate(${column * (WIDTH + GAP)} ${top})">${renderPanel(load, metric, bars)}</g>`)
    top += HEAD + ROW * Math.max(...row.map(({ bars }) => bars.length)) + GAP
  }
  return renderSvg({
    title: `kube-proxy-node and others: medians of ${results.rounds} rounds`,
    width: COLUMNS * WIDTH + (COLUMNS - 1) * GAP,
    height: top - GAP,
    style: '.bar { fill: #afb8c1 } .this-proxy { fill: #0969da } .range { stroke: #24292f; stroke-width: 1.5 }',
    darkStyle: '.bar { fill: #484f58 } .this-proxy { fill: #2f81f7 } .range { stroke: #e6edf3 }',
    body: parts.join('\n'),
  })
}

function renderPanel(load: Load, metric: Metric, bars: readonly Bar[]): string {
  const space = WIDTH - LABEL - VALUE
  const scale = space / Math.max(...bars.map(({ summary }) => summary.highest))
  const what = `${metric.title}${metric.title.includes('per') ? '' : `, ${metric.unit}`} (${metric.better} is better)`
  const rows = bars.map(({ title, isThisProxy, summary, isTimedOut }, n) => {
    const y = HEAD + n * ROW
    const [length, low, high] = [summary.median, summary.lowest, summary.highest].map(value =>
      (value * scale).toFixed(1),
    )
    return (
      `<text x="0" y="${y + 12}">${escapeXml(title)}</text>` +
      `<rect class="bar${isThisProxy ? ' this-proxy' : ''}" x="${LABEL}" y="${y}" width="${length}" height="16" rx="2"/>` +
      `<path class="range" d="M${LABEL + Number(low)} ${y + 8}H${LABEL + Number(high)}"/>` +
      `<text x="${LABEL + Number(high) + 6}" y="${y + 12}">${isTimedOut ? '&gt; ' : ''}${formatNumber(summary.median, metric.digits)}</text>`
    )
  })
  return `<text class="title" x="0" y="12">${escapeXml(load.title)}</text><text class="what" x="0" y="30">${escapeXml(what)}</text>${rows.join('')}`
}

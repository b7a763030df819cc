import { renderSvg } from '../../report/svg-document.js'
import { type SoakResults, warmUpSeconds } from '../soak-results.js'
import { type PlotLine, PLOT_HEIGHT, PLOT_WIDTH, renderPlot } from './plot.js'
import {
  CONTROL_DESCRIPTORS,
  CONTROL_MEMORY,
  LOAD_DESCRIPTORS,
  SHARED_MEMORY,
  type Series,
  WORKER_DESCRIPTORS,
  WORKER_MEMORY,
  buildPoints,
} from './series.js'

const GAP = 28

/** Draws memory and descriptors over the time of the soak. */
export function renderSoakPicture({ samples, minutes }: SoakResults): string {
  const line = (series: Series, title: string, look: string): PlotLine => ({
    title,
    styleClass: look,
    points: buildPoints(series, samples),
  })
  const times = { seconds: minutes * 60, warmUpSeconds: warmUpSeconds(minutes) }
  const memory = renderPlot({
    ...times,
    title: 'Memory',
    unit: 'MiB',
    lines: [
      line(SHARED_MEMORY, 'all, shared pages by their share (PSS)', 'third'),
      line(CONTROL_MEMORY, 'control process (RSS)', 'first'),
      line(WORKER_MEMORY, 'data-plane workers (RSS)', 'second'),
    ],
  })
  const descriptors = renderPlot({
    ...times,
    title: 'Open descriptors',
    unit: 'descriptors',
    lines: [
      line(LOAD_DESCRIPTORS, 'for connections and flows', 'third'),
      line(CONTROL_DESCRIPTORS, 'control process', 'first'),
      line(WORKER_DESCRIPTORS, 'data-plane workers', 'second'),
    ],
  })
  return renderSvg({
    title: `Memory and descriptors of the proxy in ${minutes} minutes of mixed load`,
    width: PLOT_WIDTH,
    height: 2 * PLOT_HEIGHT + GAP,
    style: `.line { fill: none; stroke-width: 1.4; stroke-linejoin: round } .grid { stroke: #afb8c1; stroke-width: 0.6 } .warm-up { fill: #818b98; opacity: 0.14 }
.first { stroke: #0969da } .second { stroke: #bc4c00 } .third { stroke: #818b98 }`,
    darkStyle:
      '.grid { stroke: #484f58 } .first { stroke: #4493f8 } .second { stroke: #f0883e } .third { stroke: #8b949e }',
    body: `${memory}\n<g transform="translate(0 ${PLOT_HEIGHT + GAP})">${descriptors}</g>`,
  })
}

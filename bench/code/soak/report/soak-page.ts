import { renderTable } from '../../report/markdown-table.js'
import { formatNumber } from '../../report/format-number.js'
import { type SoakResults, findErrorLines, warmUpSeconds } from '../soak-results.js'
import { SOAK_ARGS } from '../soak-args.js'
import { WINDOWS } from './growth.js'
import { type SoakVerdict } from './evaluate-soak.js'
import { ALL_SERIES, FULL_SOAK_MINUTES, computeAllowedGrowth } from './series.js'
import { buildGrowthTable, buildRequestTable } from './soak-tables.js'

/** The report as a Markdown page. @param picture path of the picture, relative to the page */
export function renderSoakPage(results: SoakResults, { series, failures }: SoakVerdict, picture: string): string {
  const { circumstances, minutes, changes, cpuSeconds, samples, recordedErrors } = results
  const { machine, versions } = circumstances
  const details = [
    ...recordedErrors.map(({ at, kind, error }) => `${new Date(at).toISOString().slice(11, 23)} ${kind}: ${error}`),
    ...findErrorLines(results),
  ]
  return `# Soak

\`npm run soak\` writes this page; do not edit it.

**${failures.length === 0 ? 'Passed' : 'Not passed'}**: ${minutes} minutes of TCP and UDP while endpoints and Services changed, ${circumstances.at.slice(0, 10)}.
${failures.map(failure => `\n- ${failure}\n`).join('')}
![Memory and descriptors over time](${picture})

## Load

${renderTable(buildRequestTable(results))}

During the soak, endpoints of a Service were replaced ${formatNumber(changes.endpointsReplaced, 0)} times, ${formatNumber(changes.servicesReplaced, 0)} Services were created and deleted,
and ${formatNumber(changes.servicesEmptied, 0)} times a Service had no endpoint for a while. The proxy ran with its defaults except for
\`-v=2 ${SOAK_ARGS.slice(1).join(' ')}\`, and used ${formatNumber((100 * cpuSeconds) / (samples.at(-1)?.at ?? NaN), 1)} % of one CPU.

Each Pod sends the name of its Service and returns all data, and the client compares. No Pod ever exits, so every failure
is an error, with two exceptions. One Service has endpoints that refuse or stay silent: its errors are expected. A
datagram can be lost, with any proxy, if its endpoint is removed at that moment: the client sends it again, as resolvers do, and only
a request without any answer is an error. A connection has to survive the removal of its endpoint and of its Service.

## Memory and descriptors

${renderTable(buildGrowthTable(series))}

Each second, for all processes of the proxy: resident memory (RSS), the same with shared pages by their share (PSS), and open
descriptors. The first ${formatNumber(warmUpSeconds(minutes), 0)} seconds are warm-up and are not judged.

**The rule.** Memory rises until a garbage collection and falls again, so the low values matter. The
time after the warm-up is split into at most ${WINDOWS} windows, and the lowest value of each is used. A value grows if the trend of these
(Theil–Sen, the median of the slopes between any two) rises by more than the allowance over the whole time, and if in the last third
it never falls back to its level of the first third plus half of the allowance. The allowances are
${formatAllowances(minutes)}.
Each connection needs two descriptors and each flow one; only descriptors beyond that are judged.
${minutes < FULL_SOAK_MINUTES ? 'In a soak as short as this one, any new process uses most of it.' : 'A leak of 200 KiB or of one descriptor per minute exceeds them.'} PSS is not judged, because it changes when any
other program of the machine starts or exits. A process that returns memory to the system can hide a leak
of the same size, so the JavaScript heap of the control process is judged separately.

## Circumstances

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
${details.length === 0 ? '' : `\n## Errors\n\n${details.map(line => `    ${line}\n`).join('')}`}`
}

function formatAllowances(minutes: number): string {
  const amounts = ALL_SERIES.flatMap(series => {
    const allowed = computeAllowedGrowth(series, minutes)
    return allowed === undefined ? [] : [`${allowed} ${series.unit}`]
  })
  return [...new Set(amounts)].join(' and ')
}

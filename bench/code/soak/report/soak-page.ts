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

Written by \`npm run soak\`; never change it by hand.

**${failures.length === 0 ? 'Passed' : 'Not passed'}**: ${minutes} minutes of TCP and UDP while endpoints and Services came and went, ${circumstances.at.slice(0, 10)}.
${failures.map(failure => `\n- ${failure}\n`).join('')}
![Memory and descriptors over time](${picture})

## Load

${renderTable(buildRequestTable(results))}

Meanwhile endpoints of a Service were replaced ${formatNumber(changes.endpointsReplaced, 0)} times, ${formatNumber(changes.servicesReplaced, 0)} Services came and went,
and ${formatNumber(changes.servicesEmptied, 0)} times one had no endpoint for a while. The proxy, which ran with its defaults but for
\`-v=2 ${SOAK_ARGS.slice(1).join(' ')}\`, used ${formatNumber((100 * cpuSeconds) / (samples.at(-1)?.at ?? NaN), 1)} % of one CPU.

Each Pod says of which Service it is and sends back what it gets, and the client compares. No Pod ever ends, so whatever goes
wrong is an error, but for two things. A Service whose endpoints refuse or are silent is there to have errors: they are expected. A
datagram that is on its way when its endpoint is taken away may be lost, with any proxy: it is sent again, as resolvers do, and only
a request that stays without answer is an error. A connection to an endpoint, or to a Service, that is taken away has to go on.

## Memory and descriptors

${renderTable(buildGrowthTable(series))}

Every second, of all processes of the proxy: what is resident (RSS), the same with shared pages by their share (PSS), and open
descriptors. ${formatNumber(warmUpSeconds(minutes), 0)} seconds of warm-up are left out of every judgement.

**The rule.** Memory rises from one garbage collection to the next and falls again, so what counts is what it falls back to. The
time after the warm-up is cut into at most ${WINDOWS} windows, and of each the lowest value is taken. A number grows if the trend of these
(Theil–Sen, the median of the slopes between any two) rises by more than is allowed over the whole time, and if in the last third
it does not once come back to where it was in the first, but for half of that. Allowed are
${formatAllowances(minutes)}.
Every connection needs two descriptors and every flow one, so what is judged are those beyond.
${minutes < FULL_SOAK_MINUTES ? 'In a soak that is as short as this one, most of it is what any new process takes up.' : 'A leak of 200 KiB, or of one descriptor, a minute is above.'} PSS is not judged, since every
other program of the machine that begins or ends changes it. A process that gives memory back to the system meanwhile may hide a leak
of as much; what JavaScript of the control process holds is judged by itself for that reason.

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

import { basename, dirname, relative } from 'node:path'
import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { type Suite } from '../suites/suite.js'
import { formatErrors, buildLoadTable } from './load-table.js'
import { renderTable } from './markdown-table.js'
import { type Results } from './results.js'
import { buildTargetTable } from './target-table.js'

/** The report as a Markdown page. */
export function renderReport(results: Results, suite: Suite): string {
  const { circumstances, missing } = results
  const { machine, versions } = circumstances
  const { command, contenders, loads, page } = suite
  const missingLines = contenders
    .filter(({ name }) => missing[name] !== undefined)
    .map(({ name, title }) => `- Without ${title}: ${missing[name]}.`)
  return `# ${page.title}

\`${command}\` writes this page; do not edit it. The numbers are in [${page.results}](${relative(dirname(page.path), page.results)}).

![${page.altText}](${basename(page.picture)})

## Targets

${renderTable(buildTargetTable(results, suite))}

${page.targetsNote}

## How it was measured

${page.describeMethod(results)}

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
${missingLines.length === 0 ? '' : `\n${missingLines.join('\n')}\n`}
${loads.map(load => renderLoad(load, results, contenders, commandPrefix(command))).join('\n')}`
}

/** The command that runs one load, before its name. */
function commandPrefix(command: string): string {
  return command.includes(' -- ') ? command : `${command} --`
}

function renderLoad(load: Load, results: Results, contenders: readonly Contender[], command: string): string {
  const result = results.loads.find(({ name }) => name === load.name)
  const title = `## ${load.title}\n\n\`${command} ${load.name}\`: ${load.description}\n`
  if (result === undefined) return `${title}\nNot measured.\n`
  const notes = [
    ...(load.exclusionNote === undefined ? [] : [load.exclusionNote]),
    ...formatErrors(result, contenders).map(line => `**Errors.** ${line}`),
  ]
  return `${title}\n${renderTable(buildLoadTable(load, result, contenders))}\n${notes.map(note => `\n${note}\n`).join('')}`
}

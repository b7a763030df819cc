import { basename, dirname, relative } from 'node:path'
import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { type Suite } from '../suites/suite.js'
import { errorLines, loadTable } from './load-table.js'
import { mdTable } from './md-table.js'
import { type Results } from './results.js'
import { targetTable } from './target-table.js'

/** The report as a page. */
export function markdown(results: Results, suite: Suite): string {
  const { circumstances, missing } = results
  const { machine, versions } = circumstances
  const { command, contenders, loads, page } = suite
  const missingLines = contenders
    .filter(({ name }) => missing[name] !== undefined)
    .map(({ name, title }) => `- Without ${title}: ${missing[name]}.`)
  return `# ${page.title}

Written by \`${command}\`; never change it by hand. The numbers behind it: [${page.results}](${relative(dirname(page.page), page.results)}).

![${page.shows}](${basename(page.picture)})

## Targets

${mdTable(targetTable(results, suite))}

${page.aboutTargets}

## How it was measured

${page.method(results)}

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
${missingLines.length === 0 ? '' : `\n${missingLines.join('\n')}\n`}
${loads.map(load => section(load, results, contenders, whole(command))).join('\n')}`
}

/** What a load's name is put after, to run it alone. */
function whole(command: string): string {
  return command.includes(' -- ') ? command : `${command} --`
}

function section(load: Load, results: Results, contenders: readonly Contender[], command: string): string {
  const result = results.loads.find(({ name }) => name === load.name)
  const title = `## ${load.title}\n\n\`${command} ${load.name}\`: ${load.about}\n`
  if (result === undefined) return `${title}\nNot measured.\n`
  const notes = [
    ...(load.leftOut === undefined ? [] : [load.leftOut]),
    ...errorLines(result, contenders).map(line => `**Errors.** ${line}`),
  ]
  return `${title}\n${mdTable(loadTable(load, result, contenders))}\n${notes.map(note => `\n${note}\n`).join('')}`
}

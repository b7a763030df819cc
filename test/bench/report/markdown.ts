import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { errorLines, loadTable } from './load-table.js'
import { mdTable } from './md-table.js'
import { type Results } from './results.js'
import { targetTable } from './target-table.js'

/** The report as a page. @param picture path of the picture, from the page */
export function markdown(
  results: Results,
  loads: readonly Load[],
  contenders: readonly Contender[],
  picture: string,
): string {
  const { circumstances, rounds, seconds, missing } = results
  const { machine, versions } = circumstances
  const missingLines = contenders
    .filter(({ name }) => missing[name] !== undefined)
    .map(({ name, title }) => `- Without ${title}: ${missing[name]}.`)
  return `# Benchmarks

Written by \`npm run bench\`; never change it by hand. The numbers behind it: [bench/results.json](../bench/results.json).

![Ours and others, by what they do with one CPU-second](${picture})

## Targets

${mdTable(targetTable(results, loads, contenders))}

In brackets: against the contender that the stretch is about.

## How it was measured

A client, a node and Pods in network namespaces; each contender has such a place of its own. The same load goes through
each in turn, round after round (A B C A B C …); ${rounds} rounds, in ${Math.ceil(seconds / 60)} minutes. A table shows the
median of the rounds and, after ±, half of the distance between their quartiles; lines in the picture show their whole range. All contenders but \`direct\` are reached through a ClusterIP.

Client, contender and Pods share the CPUs, so that rates say little about a machine where they do not. **Work per CPU-second**
counts: what was done, divided by user and system time of all processes of the contender (/proc/PID/stat), those that it
ran and that have ended too. What the kernel does in interrupts counts for whoever was running just then, as always.
HAProxy has one thread and nginx one worker, since the others are single processes too.

| | |
|---|---|
${Object.entries({ ...machine, date: circumstances.at.slice(0, 10), ...versions })
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
${missingLines.length === 0 ? '' : `\n${missingLines.join('\n')}\n`}
${loads.map(load => section(load, results, contenders)).join('\n')}`
}

function section(load: Load, results: Results, contenders: readonly Contender[]): string {
  const result = results.loads.find(({ name }) => name === load.name)
  const title = `## ${load.title}\n\n\`npm run bench -- ${load.name}\`: ${load.about}\n`
  if (result === undefined) return `${title}\nNot measured.\n`
  const notes = [
    ...(load.leftOut === undefined ? [] : [load.leftOut]),
    ...errorLines(result, contenders).map(line => `**Errors.** ${line}`),
  ]
  return `${title}\n${mdTable(loadTable(load, result, contenders))}\n${notes.map(note => `\n${note}\n`).join('')}`
}

/** A row of a table of metrics. */
const ROW = /^\| `[a-z_]+` \| (?:counter|gauge|histogram|summary) \|/
/** A heading of metrics that only one mode has names it. */
const HEADING = /^##+ (.*)$/
const MODE = /\bin (\w+) mode\b/i

/**
 * The rows of docs/metrics.md about metrics that a proxy in this mode has.
 * @param hasWorkers whether processes have the label `worker`
 */
export function documentedMetrics(page: string, mode: string, hasWorkers: boolean): readonly string[] {
  const rows: string[] = []
  let onlyMode: string | undefined
  for (const line of page.split('\n')) {
    const heading = HEADING.exec(line)?.[1]
    if (heading !== undefined) onlyMode = MODE.exec(heading)?.[1]
    else if (ROW.test(line) && (onlyMode ?? mode) === mode)
      rows.push(hasWorkers ? line : line.replace('| `worker` |', '|  |'))
  }
  return rows
}

/** Parsed metrics in Prometheus' text format: types by name, and values by series as printed (`name{a="b"}`). */
export interface MetricsText {
  readonly types: ReadonlyMap<string, string>
  readonly series: ReadonlyMap<string, number>
}

const LABELS = '(?:\\{(?:[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)+\\})?'
const SERIES = new RegExp(`^([a-z_][a-z0-9_]*${LABELS}) (\\S+)$`)

const VALUE = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)$/i

/** Throws at the first line that Prometheus would reject, and if a series appears twice. */
export function parseMetrics(text: string): MetricsText {
  const types = new Map<string, string>()
  const series = new Map<string, number>()
  if (!text.endsWith('\n')) throw new Error('no newline at the end')
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type !== null) {
      types.set(type[1]!, type[2]!)
      continue
    }
    const match = SERIES.exec(line)
    if (match === null || !VALUE.test(match[2]!)) throw new Error(`unreadable: ${line}`)
    if (series.has(match[1]!)) throw new Error(`twice: ${line}`)
    series.set(match[1]!, Number(match[2]))
  }
  return { types, series }
}

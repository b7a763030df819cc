/** One selector of a PromQL expression: `name{label="value"}`. */
export interface MetricSelector {
  readonly name: string
  readonly matches: (labels: Readonly<Record<string, string>>) => boolean
}

/** Labels that Prometheus adds to every series of a target. */
const TARGET_LABELS = ['cluster', 'instance', 'job', 'namespace', 'pod']
const SELECTOR = /([a-zA-Z_:][\w:]*)\{([^}]*)\}/g
const MATCHER = /\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*,?/y

/** The selectors of an expression, without what they ask of the labels of the target. @throws Error if there is none */
export function metricSelectors(expression: string): readonly MetricSelector[] {
  const selectors = [...expression.matchAll(SELECTOR)].map(([, name, matchers]) => ({
    name: name!,
    matches: labelsMatcher(matchers!),
  }))
  if (selectors.length === 0) throw new Error(`no selector in ${expression}`)
  return selectors
}

/** The name and the labels of a series as it is printed. */
export function readSeries(series: string): { readonly name: string; readonly labels: Record<string, string> } {
  const [, name, labels = ''] = /^([^{]*)(?:\{(.*)\})?$/s.exec(series)!
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label!, value!] as const)
  return { name: name!, labels: Object.fromEntries(pairs) }
}

function labelsMatcher(text: string): MetricSelector['matches'] {
  const tests: ((labels: Readonly<Record<string, string>>) => boolean)[] = []
  MATCHER.lastIndex = 0
  for (let at = 0; at < text.length; at = MATCHER.lastIndex) {
    const match = MATCHER.exec(text)
    if (match === null) throw new Error(`unreadable matchers: ${text}`)
    const [, label, operator, value] = match as unknown as [string, string, string, string]
    if (TARGET_LABELS.includes(label)) continue
    const isEqual = (actual: string): boolean =>
      operator.includes('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
    tests.push(labels => isEqual(labels[label] ?? '') !== operator.startsWith('!'))
  }
  return labels => tests.every(test => test(labels))
}

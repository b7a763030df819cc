// Parts of PromQL from which the queries of the dashboard are put together.

/** Selects the proxies that the variables of the dashboard choose. */
export const NODES = 'cluster=~"$cluster",job="$job",instance=~"$instance"'
/** The same for metrics of a Service port. */
export const SERVICES = `${NODES},namespace=~"$namespace",service=~"$service"`
/** What names a Service, as labels and as a legend. */
export const SERVICE_LABELS = 'namespace, service'
export const SERVICE_LEGEND = '{{namespace}}/{{service}}'

/** A metric of the chosen proxies, with further matchers. */
export const ofNodes = (metric, matchers = '') => `${metric}{${NODES}${matchers && `,${matchers}`}}`
/** A metric of the chosen Services. */
export const ofServices = (metric, matchers = '') => `${metric}{${SERVICES}${matchers && `,${matchers}`}}`
/** How much a counter grows in a second. */
export const rate = counter => `rate(${counter}[$__rate_interval])`
export const sumBy = (labels, expression) => `sum by (${labels}) (${expression})`
export const maxBy = (labels, expression) => `max by (${labels}) (${expression})`
export const minBy = (labels, expression) => `min by (${labels}) (${expression})`

/** The time below which a part of all observations of a histogram stay. Others may have taken longer. */
export const quantile = (part, histogram, labels) =>
  `histogram_quantile(${part}, ${sumBy([...(labels ? [labels] : []), 'le'].join(', '), rate(ofNodes(`${histogram}_bucket`)))})`

/** Queries of one metric for the control process, which has no label `worker`, and for the workers. */
export const ofProcesses = expressionOf => [
  ['{{instance}} control process', expressionOf('worker=""')],
  ['{{instance}} worker {{worker}}', expressionOf('worker!=""')],
]

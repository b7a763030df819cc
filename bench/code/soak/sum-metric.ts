/**
 * The sum of all series of a metric on a page of metrics.
 * @param label only series that have it, as it is written there: `protocol="TCP"`
 * @throws Error when the page does not know the metric
 */
export function sumMetric(page: string, name: string, label = ''): number {
  const lines = page.split('\n')
  if (!lines.includes(`# TYPE ${name} gauge`) && !lines.includes(`# TYPE ${name} counter`))
    throw new Error(`The proxy's metrics have no ${name}`)
  return lines
    .filter(line => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

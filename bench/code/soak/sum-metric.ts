/**
 * The sum of all series of a metric.
 * @param label only series with this label, as in the text: `protocol="TCP"`
 * @throws Error if the text does not contain the metric
 */
export function sumMetric(page: string, name: string, label = ''): number {
  const lines = page.split('\n')
  if (!lines.includes(`# TYPE ${name} gauge`) && !lines.includes(`# TYPE ${name} counter`))
    throw new Error(`The proxy's metrics have no ${name}`)
  return lines
    .filter(line => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Makes metrics, and prints them in Prometheus' text format. A label without a value is left out, which means the same. */
export class MetricRegistry {
  /** For what registers its metrics itself. */
  readonly registry = new Registry()

  /** The HTTP content type of the text. */
  get contentType(): string {
    return this.registry.contentType
  }

  counter<Label extends string>(name: string, help: string, labels: readonly Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  gauge<Label extends string>(name: string, help: string, labels: readonly Label[] = []): Gauge<Label> {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  /** @param read the value at a scrape */
  readGauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) })
  }

  /** @param buckets upper bounds, without the last one, which is infinite */
  histogram<Label extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [this.registry] })
  }

  /** The text of each metric. Each takes a turn of the event loop, because all else waits during a turn. */
  async print(): Promise<string[]> {
    const texts: string[] = []
    for (const { name } of this.registry.getMetricsAsArray()) {
      texts.push(withGoBounds(await this.registry.getSingleMetricAsString(name)))
      await nextTurn()
    }
    return texts
  }
}

/**
 * Writes the bounds of buckets as Go does: 1048576 as 1.048576e+06. They are labels, so Prometheus would otherwise see other series than
 * those of kube-proxy.
 */
function withGoBounds(text: string): string {
  return text.replace(/(?<=[{,]le=")\d{7,}(?=")/g, bound =>
    Number(bound)
      .toExponential()
      .replace(/\+(\d)$/, '+0$1'),
  )
}

/** The labels of a metric that has a series for each IP family: `IPv4` and `IPv6`. */
export const FAMILY_LABELS = ['ip_family'] as const

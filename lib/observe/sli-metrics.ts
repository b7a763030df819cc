import { MetricRegistry } from './metric-registry.js'

/** The endpoints with health checks. */
export type HealthEndpoint = 'healthz' | 'livez' | 'readyz'

/** `/metrics/slis`: the results of health checks, counted when a client asks for them, as in Kubernetes 1.36. */
export class SliMetrics {
  readonly #registry = new MetricRegistry()
  readonly #last = this.#registry.gauge(
    'kubernetes_healthcheck',
    '1: the last run of this health check succeeded; 0: it failed',
    ['name', 'type'],
  )
  readonly #total = this.#registry.counter('kubernetes_healthchecks_total', 'Runs of health checks by their result', [
    'name',
    'type',
    'status',
  ])

  /** A client has asked an endpoint, which has run these checks. */
  checked(type: HealthEndpoint, results: ReadonlyMap<string, boolean>): void {
    for (const [name, isOk] of results) {
      this.#last.set({ name, type }, isOk ? 1 : 0)
      this.#total.inc({ name, type, status: isOk ? 'success' : 'error' })
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    return (await this.#registry.print()).join('\n') + '\n'
  }
}

import { WORKER_TITLE } from '../../../lib/workers/is-orphan.js'
import { ProcessTree, type ProcessUsage } from '../measure/process-tree.js'
import { type SoakClient } from './client/soak-client.js'
import { sumMetric } from './sum-metric.js'
import { type ProcessUsageTotals, type ScrapedMetrics, type SoakSample } from './soak-results.js'

/** Reads the resources of the proxy's processes, and its metrics from the client. */
export class ProxyProbe {
  readonly #pid: number
  readonly #tree: ProcessTree
  readonly #client: SoakClient
  readonly #metricsUrl: string
  readonly #since = performance.now()
  readonly #cpuBefore: number

  /** @param pid of the control process */
  constructor(pid: number, client: SoakClient, metricsUrl: string) {
    this.#pid = pid
    this.#tree = new ProcessTree([pid])
    this.#client = client
    this.#metricsUrl = metricsUrl
    this.#cpuBefore = this.#tree.cpuSeconds()
  }

  /** CPU time since the creation of this probe. */
  get cpuSeconds(): number {
    return this.#tree.cpuSeconds() - this.#cpuBefore
  }

  /** @throws Error if the metrics of the proxy cannot be read */
  async sample(withMetrics: boolean): Promise<SoakSample> {
    const at = Math.round((performance.now() - this.#since) / 100) / 10
    const all = this.#tree.usage()
    // Short-lived programs that the proxy runs are ignored.
    const control = sumUsage(all.filter(({ pid }) => pid === this.#pid))
    const workers = sumUsage(all.filter(({ command }) => command.startsWith(WORKER_TITLE)))
    return { at, control, workers, ...(withMetrics ? { metrics: await this.#scrapeMetrics() } : {}) }
  }

  async #scrapeMetrics(): Promise<ScrapedMetrics> {
    const page = await this.#client.scrape(this.#metricsUrl)
    return {
      connections: sumMetric(page, 'kubeproxy_userspace_connections_active', 'protocol="TCP"'),
      flows: sumMetric(page, 'kubeproxy_userspace_connections_active', 'protocol="UDP"'),
      heapBytes: sumMetric(page, 'nodejs_heap_size_used_bytes'),
      workers: sumMetric(page, 'kubeproxy_userspace_workers'),
      restarts: sumMetric(page, 'kubeproxy_userspace_worker_restarts_total'),
    }
  }
}

function sumUsage(processes: readonly ProcessUsage[]): ProcessUsageTotals {
  const sum = (of: 'rssBytes' | 'pssBytes' | 'descriptors'): number =>
    processes.reduce((total, each) => total + each[of], 0)
  return { rssBytes: sum('rssBytes'), pssBytes: sum('pssBytes'), descriptors: sum('descriptors') }
}

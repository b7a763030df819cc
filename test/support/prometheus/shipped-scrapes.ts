import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface PodMonitor {
  readonly spec: {
    readonly podMetricsEndpoints: readonly [
      { readonly honorLabels: boolean; readonly relabelings: readonly Readonly<Record<string, unknown>>[] },
    ]
  }
}

/** The labels of a target, and those that service discovery gives it (`__meta_…`). */
export type DiscoveredLabels = Readonly<Record<string, string>>

const read = (name: string): unknown => parse(readFileSync(`deploy/prometheus/${name}`, 'utf8'))

/** The scrape configuration that is shipped, with these nodes in the place of those that the API server lists. */
export function scrapeNodes(...nodes: readonly DiscoveredLabels[]): readonly object[] {
  const jobs = read('scrape-config.yaml') as readonly Readonly<Record<string, unknown>>[]
  return jobs.map(job => withTargets(job, nodes))
}

/** The job that the operator makes of the PodMonitor, as far as it is in the manifest, with these Pods as targets. */
export function scrapePods(...pods: readonly DiscoveredLabels[]): object {
  const [{ honorLabels, relabelings }] = (read('pod-monitor.yaml') as PodMonitor).spec.podMetricsEndpoints
  const job = {
    job_name: 'pod-monitor',
    honor_labels: honorLabels,
    relabel_configs: relabelings.map(each =>
      Object.fromEntries(
        Object.entries(each).map(([name, value]) => [name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`), value]),
      ),
    ),
  }
  return withTargets(job, pods)
}

function withTargets(job: Readonly<Record<string, unknown>>, targets: readonly DiscoveredLabels[]): object {
  const { kubernetes_sd_configs: _, ...rest } = job
  const static_configs = targets.map(({ __address__: address = '', ...labels }) => ({ targets: [address], labels }))
  return { ...rest, static_configs }
}

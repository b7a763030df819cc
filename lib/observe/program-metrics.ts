import { Registry, collectDefaultMetrics } from 'prom-client'
import { ALWAYS_ON_GATES } from '../config/feature-gates.js'
import { type MetricRegistry } from './metric-registry.js'

/** The mode in use, and why the modes that were preferred to it are not. */
export interface ModeInUse {
  readonly mode: string
  readonly rejected: readonly { readonly mode: string; readonly reason: string }[]
}

/** The kube-proxy whose behaviour this program has. */
export const KUBE_PROXY_VERSION = { major: '1', minor: '36', patch: '0' } as const

/**
 * Milliseconds between samples of the event loop's delay; the samples contain this time. With prom-client's 10 ms they would cost
 * 0.5 % of a CPU at rest, more than everything else.
 */
const EVENT_LOOP_SAMPLE_MS = 100

/** Registers the metrics of the program and of Node.js that never change, or that Node.js itself keeps. */
export function registerProgramMetrics(registry: MetricRegistry, mode: ModeInUse, version: string): void {
  const platform = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`
  const { major, minor, patch } = KUBE_PROXY_VERSION
  // kube-proxy's other labels describe its build with Go: a label that is missing has the value "" in Prometheus.
  registry
    .gauge('kubernetes_build_info', 'Version of kube-proxy whose behaviour this program has', [
      'major',
      'minor',
      'git_version',
      'compiler',
      'platform',
    ])
    .set({ major, minor, git_version: `v${major}.${minor}.${patch}`, compiler: 'node', platform }, 1)
  const gates = registry.gauge(
    'kubernetes_feature_enabled',
    '1: a feature gate of kube-proxy that is on here, always',
    ['name', 'stage'],
  )
  // Kubernetes shows a gate that is generally available with an empty stage.
  for (const name of ALWAYS_ON_GATES) gates.set({ name, stage: '' }, 1)
  registry
    .gauge('kubeproxy_build_info', 'Version of this program', ['version', 'node_version', 'platform'])
    .set({ version, node_version: process.version, platform: `${process.platform}/${process.arch}` }, 1)
  const modes = registry.gauge(
    'kubeproxy_proxy_mode',
    '1: the mode in use; 0: a preferred mode that this node does not support, with the reason',
    ['mode', 'reason'],
  )
  modes.set({ mode: mode.mode, reason: '' }, 1)
  for (const { mode: name, reason } of mode.rejected) modes.set({ mode: name, reason }, 0)
  registerRuntimeMetrics(registry)
}

/** Node.js' own metrics, without those of the process: `ProcessMetrics` has these for the workers too. */
function registerRuntimeMetrics({ registry }: MetricRegistry): void {
  const all = new Registry()
  collectDefaultMetrics({ register: all, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS })
  for (const { name } of all.getMetricsAsArray())
    if (!name.startsWith('process_')) registry.registerMetric(all.getSingleMetric(name)!)
}

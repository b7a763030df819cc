/** A known difference between the metrics of kube-proxy 1.20.2 and ours. Those of kube-proxy 1.36 are in kube-proxy-metrics.ts. */
export interface ExpectedMetricDifference {
  readonly metrics: RegExp
  readonly reason: string
  /** The metric is not exported here. */
  readonly isAbsent?: true
  /** Labels that the original has and this proxy has not, and the other way. */
  readonly labels?: { readonly less?: readonly string[]; readonly more?: readonly string[] }
  /** The buckets are others. */
  readonly hasOtherBuckets?: true
}

/** A metric may have several differences. */
export const EXPECTED_METRIC_DIFFERENCES: readonly ExpectedMetricDifference[] = [
  {
    metrics: /^apiserver_audit_/,
    reason: 'they come from a library of the API server, and count nothing in a kube-proxy',
    isAbsent: true,
  },
  {
    metrics: /^go_/,
    reason: 'this program is not written in Go; nodejs_… are its own',
    isAbsent: true,
  },
  {
    metrics: /^kubeproxy_(network_programming|sync_proxy_rules_(?!(service|endpoint)_changes))/,
    reason: 'kube-proxy of today has them for each IP family',
    labels: { more: ['ip_family'] },
  },
  {
    metrics: /^kubernetes_build_info$/,
    reason: 'docs/metrics.md: these describe a build of Go',
    labels: { less: ['build_date', 'git_commit', 'git_tree_state', 'go_version'] },
  },
  {
    metrics: /^process_/,
    reason: 'this program has several processes',
    labels: { more: ['worker'] },
  },
  {
    metrics: /^rest_client_request_duration_seconds$/,
    reason: 'kube-proxy of today names the host instead of the URL, and has other buckets',
    labels: { less: ['url'], more: ['host'] },
    hasOtherBuckets: true,
  },
]

/** A query of a dashboard or an alert about kube-proxy. */
export interface DashboardQuery {
  readonly title: string
  readonly expression: string
  /** Why it shows nothing in a test, or never. Absent: it must show a number. */
  readonly emptyBecause?: string
}

const TARGET = 'cluster="$cluster", job="kube-proxy", instance=~"$instance"'
const requests = (code: string) => `sum(rate(rest_client_requests_total{${TARGET},code=~"${code}"}[5m]))`
const quantile = (metric: string, matchers: string, by: string) =>
  `histogram_quantile(0.99, sum(rate(${metric}_bucket{${TARGET}${matchers}}[5m])) by (${by}))`

/**
 * What the dashboard "Kubernetes / Proxy" asks for: that of kubernetes-mixin, which kube-prometheus ships. Grafana's catalogue has an
 * older edition of it as number 12129, in which one query differs.
 */
export const DASHBOARD_QUERIES: readonly DashboardQuery[] = [
  { title: 'Up', expression: 'sum(up{cluster="$cluster", job="kube-proxy"})' },
  {
    title: 'Rules Sync Rate',
    expression: `sum(rate(kubeproxy_sync_proxy_rules_duration_seconds_count{${TARGET}}[5m]))`,
  },
  {
    title: 'Rule Sync Latency 99th Quantile',
    expression: quantile('kubeproxy_sync_proxy_rules_duration_seconds', '', 'instance, le'),
  },
  {
    title: 'Rule Sync Latency 99th Quantile (12129)',
    expression: `histogram_quantile(0.99,rate(kubeproxy_sync_proxy_rules_duration_seconds_bucket{${TARGET}}[5m]))`,
  },
  {
    title: 'Network Programming Rate',
    expression: `sum(rate(kubeproxy_network_programming_duration_seconds_count{${TARGET}}[5m]))`,
  },
  {
    title: 'Network Programming Latency 99th Quantile',
    expression: quantile('kubeproxy_network_programming_duration_seconds', '', 'instance, le'),
  },
  { title: 'Kube API Request Rate, 2xx', expression: requests('2..') },
  { title: 'Kube API Request Rate, 3xx', expression: requests('3..'), emptyBecause: 'no server redirects a request' },
  { title: 'Kube API Request Rate, 4xx', expression: requests('4..'), emptyBecause: 'the server refuses nothing' },
  { title: 'Kube API Request Rate, 5xx', expression: requests('5..'), emptyBecause: 'the server works' },
  {
    title: 'Post Request Latency 99th Quantile',
    expression: quantile('rest_client_request_duration_seconds', ',verb="POST"', 'verb, url, le'),
  },
  {
    title: 'Get Request Latency 99th Quantile',
    expression: quantile('rest_client_request_duration_seconds', ', verb="GET"', 'verb, url, le'),
  },
  { title: 'Memory', expression: `process_resident_memory_bytes{${TARGET}}` },
  { title: 'CPU usage', expression: `rate(process_cpu_seconds_total{${TARGET}}[5m])` },
  {
    title: 'Goroutines',
    expression: `go_goroutines{${TARGET}}`,
    emptyBecause: 'this program is not written in Go and has no goroutines',
  },
  {
    title: 'the list of instances',
    expression: 'kubeproxy_network_programming_duration_seconds_bucket{cluster="$cluster", job="kube-proxy"}',
  },
]

/** What the alerts of kubernetes-mixin and kube-prometheus compare, as far as kube-proxy has a part in it. */
export const ALERT_QUERIES: readonly DashboardQuery[] = [
  { title: 'KubeProxyDown', expression: 'up{job="kube-proxy"}' },
  {
    title: 'KubeClientErrors',
    expression: 'sum(rate(rest_client_requests_total{job="kube-proxy"}[5m])) by (cluster, instance, job, namespace)',
  },
  {
    title: 'KubeVersionMismatch',
    expression:
      'count by (cluster) (count by (git_version, cluster) (label_replace(kubernetes_build_info{job!~"kube-dns|coredns"},"git_version","$1","git_version","(v[0-9]*.[0-9]*).*")))',
  },
]

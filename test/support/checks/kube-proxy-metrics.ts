/** What a metric of kube-proxy is, from the metrics reference of Kubernetes and the sources that it is made from. */
export interface KubeProxyMetric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** In the order of the alphabet. */
  readonly labels: readonly string[]
  /** Of a histogram: the upper bounds of its buckets as Go prints them, without the last one, `+Inf`. */
  readonly buckets?: readonly string[]
}

const counter = (...labels: readonly string[]): KubeProxyMetric => ({ type: 'counter', labels })
const gauge = (...labels: readonly string[]): KubeProxyMetric => ({ type: 'gauge', labels })
const histogram = (buckets: readonly string[], ...labels: readonly string[]): KubeProxyMetric => ({
  type: 'histogram',
  labels,
  buckets,
})

const bounds = (text: string): readonly string[] => text.split(' ')
/** @param step the distance of two bounds, from `first` to `last` */
const steps = (first: number, step: number, last: number): readonly string[] =>
  Array.from({ length: (last - first) / step + 1 }, (_, index) => String(first + index * step))
const SYNCS = bounds('0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384')
const PROGRAMMING = [...bounds('0 0.25 0.5'), ...steps(1, 1, 59), ...steps(60, 5, 115), ...steps(120, 30, 300)]
const LOOKUPS = bounds('0.005 0.025 0.1 0.25 0.5 1 2 4 8 15 30')
const REQUESTS = [...LOOKUPS, '60']
const SIZES = bounds('64 256 512 1024 4096 16384 65536 262144 1.048576e+06 4.194304e+06 1.6777216e+07')
const AGES = bounds('600 1800 3600 14400 86400 604800 2.592e+06 7.776e+06 1.5552e+07 3.1104e+07 1.24416e+08')

/**
 * The metrics on `/metrics` of kube-proxy 1.36 in any mode, and those of KEP-6032. Without the ones that Go's client library makes about
 * the runtime (`go_…`).
 */
export const KUBE_PROXY_METRICS: Readonly<Record<string, KubeProxyMetric>> = {
  kubeproxy_conntrack_reconciler_deleted_entries_total: counter('ip_family'),
  kubeproxy_conntrack_reconciler_sync_duration_seconds: histogram(SYNCS, 'ip_family'),
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: counter(),
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: counter(),
  kubeproxy_network_programming_duration_seconds: histogram(PROGRAMMING, 'ip_family'),
  kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total: counter('ip_family'),
  kubeproxy_nftables_localhost_nodeport_listeners: gauge('ip_family'),
  kubeproxy_nftables_localhost_nodeport_rejected_packets_total: counter('ip_family'),
  kubeproxy_proxy_healthz_total: counter('code'),
  kubeproxy_proxy_livez_total: counter('code'),
  kubeproxy_sync_full_proxy_rules_duration_seconds: histogram(SYNCS, 'ip_family'),
  kubeproxy_sync_partial_proxy_rules_duration_seconds: histogram(SYNCS, 'ip_family'),
  kubeproxy_sync_proxy_rules_duration_seconds: histogram(SYNCS, 'ip_family'),
  kubeproxy_sync_proxy_rules_endpoint_changes_pending: gauge(),
  kubeproxy_sync_proxy_rules_endpoint_changes_total: counter(),
  kubeproxy_sync_proxy_rules_iptables_last: gauge('ip_family', 'table'),
  kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total: counter('ip_family'),
  kubeproxy_sync_proxy_rules_iptables_restore_failures_total: counter('ip_family'),
  kubeproxy_sync_proxy_rules_iptables_total: gauge('ip_family', 'table'),
  kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: gauge('ip_family'),
  kubeproxy_sync_proxy_rules_last_timestamp_seconds: gauge('ip_family'),
  kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total: counter('ip_family'),
  kubeproxy_sync_proxy_rules_nftables_sync_failures_total: counter('ip_family'),
  kubeproxy_sync_proxy_rules_no_local_endpoints_total: gauge('ip_family', 'traffic_policy'),
  kubeproxy_sync_proxy_rules_service_changes_pending: gauge(),
  kubeproxy_sync_proxy_rules_service_changes_total: counter(),
  kubernetes_build_info: gauge(
    ...['build_date', 'compiler', 'git_commit', 'git_tree_state', 'git_version', 'go_version'],
    ...['major', 'minor', 'platform'],
  ),
  kubernetes_feature_enabled: gauge('name', 'stage'),
  process_cpu_seconds_total: counter(),
  process_max_fds: gauge(),
  process_network_receive_bytes_total: counter(),
  process_network_transmit_bytes_total: counter(),
  process_open_fds: gauge(),
  process_resident_memory_bytes: gauge(),
  process_start_time_seconds: gauge(),
  process_virtual_memory_bytes: gauge(),
  process_virtual_memory_max_bytes: gauge(),
  cardinality_enforcement_unexpected_categorizations_total: counter(),
  disabled_metrics_total: counter(),
  hidden_metrics_total: counter(),
  registered_metrics_total: counter('deprecated_version', 'stability_level'),
  rest_client_dns_resolution_duration_seconds: histogram(LOOKUPS, 'host'),
  rest_client_exec_plugin_call_total: counter('call_status', 'code'),
  rest_client_exec_plugin_certificate_rotation_age: histogram(AGES),
  rest_client_exec_plugin_ttl_seconds: gauge(),
  rest_client_rate_limiter_duration_seconds: histogram(REQUESTS, 'host', 'verb'),
  rest_client_request_duration_seconds: histogram(REQUESTS, 'host', 'verb'),
  rest_client_request_retries_total: counter('code', 'host', 'verb'),
  rest_client_request_size_bytes: histogram(SIZES, 'host', 'verb'),
  rest_client_requests_total: counter('code', 'host', 'method'),
  rest_client_response_size_bytes: histogram(SIZES, 'host', 'verb'),
  rest_client_transport_cache_entries: gauge(),
  rest_client_transport_create_calls_total: counter('result'),
}

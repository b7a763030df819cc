/** What a metric of kube-proxy is, from the metrics reference of Kubernetes and the sources that it is made from. */
export interface KubeProxyMetric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** In the order of the alphabet. */
  readonly labels: readonly string[]
}

const counter = (...labels: readonly string[]): KubeProxyMetric => ({ type: 'counter', labels })
const gauge = (...labels: readonly string[]): KubeProxyMetric => ({ type: 'gauge', labels })
const histogram = (...labels: readonly string[]): KubeProxyMetric => ({ type: 'histogram', labels })

/**
 * The metrics on `/metrics` of kube-proxy 1.36 in any mode, and those of KEP-6032. Without the ones that Go's client library makes about
 * the runtime (`go_…`).
 */
export const KUBE_PROXY_METRICS: Readonly<Record<string, KubeProxyMetric>> = {
  kubeproxy_conntrack_reconciler_deleted_entries_total: counter('ip_family'),
  kubeproxy_conntrack_reconciler_sync_duration_seconds: histogram('ip_family'),
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: counter(),
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: counter(),
  kubeproxy_network_programming_duration_seconds: histogram('ip_family'),
  kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total: counter('ip_family'),
  kubeproxy_nftables_localhost_nodeport_listeners: gauge('ip_family'),
  kubeproxy_nftables_localhost_nodeport_rejected_packets_total: counter('ip_family'),
  kubeproxy_proxy_healthz_total: counter('code'),
  kubeproxy_proxy_livez_total: counter('code'),
  kubeproxy_sync_full_proxy_rules_duration_seconds: histogram('ip_family'),
  kubeproxy_sync_partial_proxy_rules_duration_seconds: histogram('ip_family'),
  kubeproxy_sync_proxy_rules_duration_seconds: histogram('ip_family'),
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
  rest_client_dns_resolution_duration_seconds: histogram('host'),
  rest_client_exec_plugin_call_total: counter('call_status', 'code'),
  rest_client_exec_plugin_certificate_rotation_age: histogram(),
  rest_client_exec_plugin_ttl_seconds: gauge(),
  rest_client_rate_limiter_duration_seconds: histogram('host', 'verb'),
  rest_client_request_duration_seconds: histogram('host', 'verb'),
  rest_client_request_retries_total: counter('code', 'host', 'verb'),
  rest_client_request_size_bytes: histogram('host', 'verb'),
  rest_client_requests_total: counter('code', 'host', 'method'),
  rest_client_response_size_bytes: histogram('host', 'verb'),
  rest_client_transport_cache_entries: gauge(),
  rest_client_transport_create_calls_total: counter('result'),
}

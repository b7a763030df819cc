/**
 * The flags of the proxy: metrics are read from another host, as Prometheus does, and UDP flows time out soon,
 * so that thousands of them come and go.
 */
export const SOAK_ARGS: readonly string[] = [
  '--data-plane-workers=auto',
  '--metrics-bind-address=0.0.0.0:10249',
  '--udp-timeout=10s',
]

/** The address of the metrics for the client. */
export const METRICS_URL = 'http://192.168.60.1:10249/metrics'

/**
 * What the proxy is told beside its defaults: metrics are read from another host, as a Prometheus does, and UDP flows end soon,
 * so that thousands of them come and go.
 */
export const SOAK_ARGS: readonly string[] = [
  '--data-plane-workers=auto',
  '--metrics-bind-address=0.0.0.0:10249',
  '--udp-timeout=10s',
]

/** Where the client finds the metrics. */
export const METRICS_URL = 'http://192.168.60.1:10249/metrics'

import { type Option } from '../option.js'

/** Health checks, metrics and diagnosis over HTTP. */
export const HTTP_OPTIONS: readonly Option[] = [
  {
    name: 'healthz-bind-address',
    isLive: true,
    field: 'healthzBindAddress',
    kind: 'text',
    default: '0.0.0.0:10256',
    value: 'IP[:PORT]',
    help: 'Address of /healthz, /readyz and /livez; without a port: port 10256; empty: not served',
  },
  {
    name: 'healthz-port',
    kind: 'number',
    default: '10256',
    value: 'PORT',
    help: 'Port of --healthz-bind-address, if that has none; 0: not served',
  },
  {
    name: 'healthz-stale-timeout',
    isLive: true,
    field: 'userspace.healthzStaleTimeout',
    kind: 'duration',
    default: '2m',
    value: 'DURATION',
    extension: true,
    help: 'Time after which /healthz fails if the API server has not confirmed what the proxy knows, 1m or more; 0: never',
  },
  {
    name: 'metrics-bind-address',
    isLive: true,
    field: 'metricsBindAddress',
    kind: 'text',
    default: '127.0.0.1:10249',
    value: 'IP[:PORT]',
    help: 'Address of /metrics, /proxyMode and /configz; without a port: port 10249; empty: not served',
  },
  {
    name: 'metrics-port',
    kind: 'number',
    default: '10249',
    value: 'PORT',
    help: 'Port of --metrics-bind-address, if that has none; 0: not served',
  },
  {
    name: 'bind-address-hard-fail',
    field: 'bindAddressHardFail',
    kind: 'switch',
    help: 'Exit if the port of health checks or of metrics is not free; without it, the proxy tries again until it is',
  },
  {
    name: 'profiling',
    field: 'enableProfiling',
    kind: 'switch',
    help: 'Serve profiles of the proxy at /debug/pprof on the port of metrics',
  },
  {
    name: 'show-hidden-metrics-for-version',
    field: 'showHiddenMetricsForVersion',
    kind: 'text',
    default: '',
    value: 'X.Y',
    expects: 'version',
    help: 'Version of Kubernetes whose hidden metrics are shown',
    effect: { none: 'no metric is hidden' },
  },
]

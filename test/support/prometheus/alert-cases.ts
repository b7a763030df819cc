/** Series as promtool writes them: `0+1x20` is 0, 1, 2 … 20, one value a minute. */
export type SeriesOverTime = Readonly<Record<string, string>>

/** The first moment at which an alert fires, once. */
export interface FiringCase {
  readonly series: SeriesOverTime
  /** Whole minutes: `5m`. */
  readonly at: string
  /** Without the name and the severity. */
  readonly labels: Readonly<Record<string, string>>
  /** The value as the annotations show it. */
  readonly value?: string
}

/** A moment at which an alert does not fire. */
export interface SilentCase {
  readonly series: SeriesOverTime
  readonly at: string
}

/** Moments for one alert. */
export interface AlertCases {
  readonly fires: readonly FiringCase[]
  readonly silent: readonly SilentCase[]
}

const TARGET = { job: 'kube-proxy', instance: 'node-a' }
const ON_A = 'job="kube-proxy",instance="node-a"'
const ON_B = 'job="kube-proxy",instance="node-b"'
const SERVICE = { namespace: 'shop', service: 'web', port: 'http', protocol: 'TCP' }
const OF_SERVICE = 'namespace="shop",service="web",port="http",protocol="TCP",ip_family="IPv4"'
const API = 'host="10.0.0.1:6443",method="GET"'

const sync = (name: string): string => `kubeproxy_sync_proxy_rules_${name}{${ON_A},ip_family="IPv4"}`
const bucket = (le: string): string =>
  `kubeproxy_network_programming_duration_seconds_bucket{${ON_A},ip_family="IPv4",le="${le}"}`
const userspace = (name: string, matchers = ''): string => `kubeproxy_userspace_${name}{${ON_A}${matchers}}`

/** An alert about what is in use, as a part of its limit. */
function atLimit(
  used: string,
  limit: string,
  percent: number,
  at: string,
  labels: Readonly<Record<string, string>> = {},
): AlertCases {
  const series = (value: number) => ({ [used]: `${value}x10`, [limit]: '100x10' })
  return {
    fires: [{ series: series(percent + 1), at, labels: { ...TARGET, ...labels }, value: `${percent + 1}%` }],
    silent: [{ series: series(percent), at: '10m' }],
  }
}

/** Clients that were rejected because of a limit. */
const rejected = (metric: string, limit: string): FiringCase => ({
  series: { [userspace(metric)]: '0+1x10' },
  at: '10m',
  labels: { ...TARGET, limit },
  value: '5',
})

/** For each alert, moments at which it fires and moments at which it barely does not. */
export const ALERT_CASES: Readonly<Record<string, AlertCases>> = {
  KubeProxyAbsent: {
    fires: [{ series: { 'up{job="node"}': '1x10' }, at: '5m', labels: { job: 'kube-proxy' } }],
    silent: [{ series: { [`up{${ON_A}}`]: '0x10' }, at: '10m' }],
  },
  KubeProxyInstanceDown: {
    fires: [{ series: { [`up{${ON_A}}`]: '1x2 0x10', [`up{${ON_B}}`]: '1x10' }, at: '8m', labels: TARGET }],
    silent: [{ series: { [`up{${ON_A}}`]: '1x2 0x10' }, at: '7m' }],
  },
  KubeProxyNotReady: {
    fires: [
      {
        series: {
          [`kubernetes_build_info{${ON_A},git_version="v1.36.0"}`]: '1x10',
          [`kubeproxy_sync_proxy_rules_last_timestamp_seconds{${ON_B},ip_family="IPv4"}`]: '100x10',
        },
        at: '5m',
        labels: { ...TARGET, git_version: 'v1.36.0' },
      },
    ],
    silent: [
      { series: { [`kubernetes_build_info{${ON_A}}`]: '1x10', [sync('last_timestamp_seconds')]: '100x10' }, at: '10m' },
    ],
  },
  KubeProxyUnhealthy: {
    fires: [
      {
        series: { [`kubeproxy_proxy_healthy{${ON_A},part="source"}`]: '0x10' },
        at: '2m',
        labels: { ...TARGET, part: 'source' },
      },
    ],
    silent: [{ series: { [`kubeproxy_proxy_healthy{${ON_A},part="source"}`]: '0 0 1 0 0 1 0 0 1' }, at: '7m' }],
  },
  KubeProxyModeUnavailable: {
    fires: [
      {
        series: { [`kubeproxy_proxy_mode{${ON_A},mode="ipvs",reason="no IPVS"}`]: '0x20' },
        at: '15m',
        labels: { ...TARGET, mode: 'ipvs', reason: 'no IPVS' },
      },
    ],
    silent: [{ series: { [`kubeproxy_proxy_mode{${ON_A},mode="userspace"}`]: '1x20' }, at: '20m' }],
  },
  KubeProxySecondCopy: {
    fires: [{ series: { [`kubeproxy_standby_proxies{${ON_A}}`]: '1x40' }, at: '30m', labels: TARGET, value: '1' }],
    silent: [{ series: { [`kubeproxy_standby_proxies{${ON_A}}`]: '0 1x10 0x30' }, at: '31m' }],
  },
  KubeProxySyncStuck: {
    fires: [
      {
        series: { [sync('last_timestamp_seconds')]: '30x10', [sync('last_queued_timestamp_seconds')]: '60x10' },
        at: '4m',
        labels: { ...TARGET, ip_family: 'IPv4' },
        value: '3m 30s',
      },
    ],
    silent: [
      // Nothing waits.
      {
        series: { [sync('last_timestamp_seconds')]: '30x10', [sync('last_queued_timestamp_seconds')]: '20x10' },
        at: '10m',
      },
      // A change comes before each scrape, and each is synced soon.
      {
        series: { [sync('last_timestamp_seconds')]: '0+60x10', [sync('last_queued_timestamp_seconds')]: '10+60x10' },
        at: '10m',
      },
    ],
  },
  KubeProxyRulesNotWritten: {
    fires: [
      {
        series: { [sync('iptables_restore_failures_total')]: '0+1x10' },
        at: '10m',
        labels: { ...TARGET, ip_family: 'IPv4' },
        value: '10',
      },
    ],
    silent: [{ series: { [sync('iptables_restore_failures_total')]: '0 1 2 3x8' }, at: '10m' }],
  },
  KubeProxyServicesRefused: {
    fires: [
      {
        series: { [`kubeproxy_sync_proxy_rules_refused_service_ports{${ON_A},ip_family="IPv4",cause="rule"}`]: '2x10' },
        at: '5m',
        labels: { ...TARGET, ip_family: 'IPv4', cause: 'rule' },
        value: '2',
      },
    ],
    silent: [
      {
        series: {
          [`kubeproxy_sync_proxy_rules_refused_service_ports{${ON_A},ip_family="IPv4",cause="rule"}`]: '2x4 0x5',
        },
        at: '9m',
      },
    ],
  },
  KubeProxyProgrammingSlow: {
    fires: [
      {
        series: { [bucket('30')]: '0x20', [bucket('60')]: '0+1x20', [bucket('+Inf')]: '0+1x20' },
        at: '6m',
        labels: { instance: 'node-a' },
        value: '59.7s',
      },
    ],
    silent: [
      {
        series: { [bucket('30')]: '0+1x20', [bucket('60')]: '0+1x20', [bucket('+Inf')]: '0+1x20' },
        at: '10m',
      },
    ],
  },
  KubeProxyConntrackFull: atLimit(
    `kubeproxy_conntrack_entries{${ON_A}}`,
    `kubeproxy_conntrack_entries_limit{${ON_A}}`,
    90,
    '5m',
  ),
  KubeProxyStateOld: {
    fires: [
      { series: { [`kubeproxy_source_age_seconds{${ON_A}}`]: '121x10' }, at: '1m', labels: TARGET, value: '2m 1s' },
    ],
    silent: [{ series: { [`kubeproxy_source_age_seconds{${ON_A}}`]: '120x10' }, at: '10m' }],
  },
  KubeProxyApiRequestsFail: {
    fires: ['<error>', '403', '500'].map(code => ({
      series: {
        [`rest_client_requests_total{${ON_A},${API},code="${code}"}`]: '0+6x20',
        [`rest_client_requests_total{${ON_A},${API},code="200"}`]: '0+2x20',
      },
      at: '6m',
      labels: { instance: 'node-a', host: '10.0.0.1:6443' },
    })),
    silent: [
      {
        series: {
          [`rest_client_requests_total{${ON_A},${API},code="500"}`]: '0+2x20',
          [`rest_client_requests_total{${ON_A},${API},code="200"}`]: '0+6x20',
        },
        at: '10m',
      },
    ],
  },
  KubeProxyServiceRefusesClients: {
    fires: [
      {
        series: {
          [`kubeproxy_userspace_refused_total{${ON_A},${OF_SERVICE}}`]: '0+3x20',
          [`kubeproxy_userspace_refused_total{${ON_B},${OF_SERVICE}}`]: '0+3x20',
          [`kubeproxy_userspace_connections_total{${ON_A},${OF_SERVICE}}`]: '0+30x20',
          [`kubeproxy_userspace_connections_total{${ON_B},${OF_SERVICE}}`]: '0+30x20',
        },
        at: '6m',
        labels: SERVICE,
        value: '30',
      },
    ],
    silent: [
      {
        series: {
          [`kubeproxy_userspace_refused_total{${ON_A},${OF_SERVICE}}`]: '0+1x20',
          [`kubeproxy_userspace_connections_total{${ON_A},${OF_SERVICE}}`]: '0+30x20',
        },
        at: '10m',
      },
    ],
  },
  KubeProxyServiceAtLimit: {
    fires: [
      {
        series: { [userspace('shed_total', `,${OF_SERVICE},reason="client-limit"`)]: '0+1x20' },
        at: '6m',
        labels: { ...SERVICE, reason: 'client-limit' },
        value: '5',
      },
    ],
    silent: [{ series: { [userspace('shed_total', `,${OF_SERVICE},reason="client-limit"`)]: '7x20' }, at: '10m' }],
  },
  KubeProxyEndpointsEjected: {
    fires: [
      {
        series: {
          [`kubeproxy_userspace_endpoints_ejected{${ON_A},${OF_SERVICE}}`]: '1 0 0 1 0 0 1 0 0 1 0 0 1 0 0',
          [`kubeproxy_userspace_endpoints_ejected{${ON_B},${OF_SERVICE}}`]: '0x15',
        },
        at: '10m',
        labels: SERVICE,
        value: '1',
      },
    ],
    silent: [{ series: { [`kubeproxy_userspace_endpoints_ejected{${ON_A},${OF_SERVICE}}`]: '1 0x15' }, at: '12m' }],
  },
  KubeProxyWorkersRestart: {
    fires: [{ series: { [userspace('worker_restarts_total')]: '0+1x20' }, at: '20m', labels: TARGET, value: '15' }],
    silent: [{ series: { [userspace('worker_restarts_total')]: '0 1 2x20' }, at: '15m' }],
  },
  KubeProxyListenersUnserved: {
    fires: [
      {
        series: {
          [userspace('listeners_unserved')]: '3x10',
          [userspace('service_ports_without_proxy_port')]: '0x10',
        },
        at: '5m',
        labels: TARGET,
        value: '3',
      },
      {
        series: {
          [userspace('listeners_unserved')]: '0x10',
          [userspace('service_ports_without_proxy_port')]: '2x10',
        },
        at: '5m',
        labels: TARGET,
        value: '2',
      },
    ],
    silent: [
      {
        series: {
          [userspace('listeners_unserved')]: '3x4 0x5',
          [userspace('service_ports_without_proxy_port')]: '0x9',
        },
        at: '9m',
      },
    ],
  },
  KubeProxyDescriptorsShort: atLimit(userspace('descriptors_used'), userspace('descriptors_limit'), 70, '5m'),
  KubeProxyFlowsShort: atLimit(userspace('flows'), userspace('flows_limit'), 80, '5m'),
  KubeProxyMemoryShort: atLimit(
    userspace('memory_bytes', ',purpose="affinity"'),
    userspace('memory_limit_bytes', ',purpose="affinity"'),
    80,
    '5m',
    { purpose: 'affinity' },
  ),
  KubeProxyClientsRejected: {
    fires: [
      rejected('descriptors_shed_total', 'open files'),
      rejected('dials_shed_total', 'dials'),
      rejected('flows_shed_total', 'UDP flows'),
    ],
    silent: [
      {
        series: {
          [userspace('descriptors_shed_total')]: '4x10',
          [userspace('dials_shed_total')]: '4x10',
          [userspace('flows_shed_total')]: '4x10',
        },
        at: '10m',
      },
    ],
  },
}

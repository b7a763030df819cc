import t from 'tap'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { kubeProxyConfiguration } from '../../lib/config/kube-proxy-configuration.js'
import { OPTIONS } from '../../lib/config/options.js'
import { readConfig, readSettings } from '../../lib/config/read-config.js'
import { MODES } from '../../lib/modes/registry.js'
import { parseConfigurationFile } from '../../lib/source/read-configuration-file.js'
import { printYaml } from '../../lib/source/write-configuration-file.js'

const configOf = (values: FlagValues) => readConfig(values, 'host', MODES).config

t.test('the defaults are those of kube-proxy, with its names and in its notation', t => {
  const written = kubeProxyConfiguration(configOf({}))
  t.match(written, {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: '0.0.0.0',
    clientConnection: { burst: 10, contentType: 'application/vnd.kubernetes.protobuf', kubeconfig: '', qps: 5 },
    configSyncPeriod: '15m0s',
    conntrack: { maxPerCore: 32768, min: 131072, tcpCloseWaitTimeout: '1h0m0s', tcpEstablishedTimeout: '24h0m0s' },
    enableProfiling: false,
    healthzBindAddress: '0.0.0.0:10256',
    iptables: { localhostNodePorts: true, masqueradeBit: 14, minSyncPeriod: '1s', syncPeriod: '30s' },
    ipvs: { excludeCIDRs: [], strictARP: false, tcpTimeout: '0s' },
    logging: { flushFrequency: '5s', format: 'text', verbosity: 0 },
    mode: 'userspace',
    oomScoreAdj: -999,
    userspace: { drainTimeout: '25s', dataPlaneWorkers: 'auto', reuseSourcePorts: true },
  })
  t.notOk('resourceContainer' in written, 'without fields that newer versions would warn about')
  t.end()
})

t.test('what is written reads back equal, also values that YAML would take for something else', t => {
  for (const values of [
    {},
    {
      'hostname-override': '1e3',
      kubeconfig: 'yes',
      'cluster-cidr': '10.0.0.0/8,fd00::/64',
      'proxy-mode': 'ipvs,userspace',
    },
    {
      'hostname-override': '0x10',
      'feature-gates': ['A=true,B=false', 'C=true'],
      'ipvs-exclude-cidrs': ['10.0.0.0/8,fd00::/8'],
    },
    {
      manifests: ['a, b.yaml', '~', ': #'],
      'manifests-strict': true,
      'udp-timeout': '250ms',
      'proxy-port-range': '8080',
    },
    { 'iptables-min-sync-period': '1500ms', 'conntrack-max-per-core': '0', 'conntrack-tcp-timeout-established': '0' },
    {
      'nodeport-addresses': ['primary'],
      'masquerade-all': true,
      v: '7',
      'logging-format': 'json',
      'oom-score-adj': '0',
    },
    { 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'cni0', 'kube-api-qps': '2.5', profiling: true },
  ] satisfies FlagValues[]) {
    const config = configOf(values)
    const text = printYaml(kubeProxyConfiguration(config))
    const { settings, problems, notes } = parseConfigurationFile(text, 'written')
    t.same([problems, notes], [[], []], text)
    const again = readSettings(settings, { hostName: 'host', knownModes: MODES, isFile: true })
    t.same(again.problems, [])
    t.same({ ...again.config, options: {} }, { ...config, options: {} }, JSON.stringify(values))
    t.same(kubeProxyConfiguration(again.config), kubeProxyConfiguration(config), 'and so do options without effect')
  }
  t.end()
})

t.test('a feature gate that is neither true nor false is not written', t => {
  const written = kubeProxyConfiguration(configOf({ 'feature-gates': ['X,Y=maybe,=true', '=', 'A=true', 'B=F'] }))
  t.same(written['featureGates'], { A: true, B: false })
  t.end()
})

t.test('no interval between writes stays no interval, although 0 in a file means the default', t => {
  const text = printYaml(kubeProxyConfiguration(configOf({ 'iptables-min-sync-period': '0' })))
  const { settings } = parseConfigurationFile(text, 'written')
  const { config } = readSettings(settings, { hostName: 'host', knownModes: MODES, isFile: true })
  t.ok(config.iptablesMinSyncPeriod < 1, `${config.iptablesMinSyncPeriod} ms`)
  t.end()
})

t.test('every field that has an effect is written', t => {
  const written: unknown = kubeProxyConfiguration(configOf({}))
  for (const { field, kind, effect } of OPTIONS.filter(({ field }) => field !== undefined)) {
    const value = field!
      .split('.')
      .reduce<unknown>((section, step) => (section as Record<string, unknown>)[step] ?? {}, written)
    if (effect === undefined && kind !== 'map') t.not(JSON.stringify(value), '{}', field!)
  }
  t.end()
})

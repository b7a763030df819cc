import { MODES } from '../../lib/modes/registry.js'
import t from 'tap'
import { FLAGS, OPTIONS } from '../../lib/config/options.js'
import { type KubeProxyConfig } from '../../lib/config/kube-proxy-config.js'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { readConfig } from '../../lib/config/read-config.js'

/** What a list of modes means while there is no nftables mode, and once there is one. */
const WITH_NFTABLES = ['nftables', 'iptables', 'userspace'].filter(name => MODES.some(mode => mode.name === name))

void t.test('without flags every setting has its default', t => {
  const { config, problems } = readConfig({}, 'Node-A', MODES)
  t.same(problems, [])
  const { options, ...settings } = config
  t.same(Object.keys(options).sort(), OPTIONS.map(({ name }) => name).sort())
  for (const { name, default: byDefault } of OPTIONS)
    if (byDefault !== undefined) t.equal(options[name], byDefault, name)
  t.same(settings, {
    configFile: '',
    writeConfigTo: '',
    kubeconfig: '',
    master: '',
    manifests: [],
    manifestsStrict: false,
    nodeName: 'node-a',
    modes: ['userspace'],
    bindAddress: undefined,
    clusterCIDR: [],
    detectLocal: { mode: 'ClusterCIDR' },
    nodePortAddresses: undefined,
    rangesAtNodePorts: false,
    allowNodeAddressEndpoints: false,
    localhostNodePorts: true,
    portRange: undefined,
    udpIdleTimeout: undefined,
    fastPath: 'auto',
    reuseSourcePorts: true,
    iptablesSyncPeriod: 30_000,
    iptablesMinSyncPeriod: 1000,
    kernelModes: {
      masqueradeAll: false,
      masqueradeMark: 0x4000,
      ipvs: {
        scheduler: 'rr',
        excludeCIDRs: [],
        strictARP: false,
        syncPeriod: 30_000,
        minSyncPeriod: 1000,
        tcpTimeout: 0,
        tcpFinTimeout: 0,
        udpTimeout: 0,
      },
    },
    conntrack: {
      maxPerCore: 32_768,
      min: 131_072,
      tcpEstablishedTimeout: 86_400_000,
      tcpCloseWaitTimeout: 3_600_000,
      tcpBeLiberal: false,
      udpTimeout: 0,
      udpStreamTimeout: 0,
    },
    healthzBindAddress: '0.0.0.0:10256',
    healthzStaleTimeout: 120_000,
    metricsBindAddress: '127.0.0.1:10249',
    statusSocket: '/run/kube-proxy-node/status.sock',
    dashboardBindAddress: '',
    dashboardAllowRemote: false,
    dashboardTokenFile: '',
    bindAddressHardFail: false,
    profiling: false,
    drainTimeout: 25_000,
    dataPlaneWorkers: 'auto',
    oomScoreAdj: -999,
    onExit: 'auto',
    cleanup: false,
    initOnly: false,
    verbosity: 0,
    logFormat: 'text',
  })
  t.end()
})

void t.test('a valid value gives the setting', t => {
  const table: readonly (readonly [values: FlagValues, expected: Partial<KubeProxyConfig>])[] = [
    [{ kubeconfig: ' /etc/kube.conf ' }, { kubeconfig: '/etc/kube.conf' }],
    [{ master: 'https://10.0.0.1:6443' }, { master: 'https://10.0.0.1:6443' }],
    [{ master: 'http://[fd00::1]:8080' }, { master: 'http://[fd00::1]:8080' }],
    [{ manifests: ['a.yaml', 'folder'] }, { manifests: ['a.yaml', 'folder'] }],
    [{ manifests: ['a.yaml'], 'manifests-strict': true }, { manifestsStrict: true }],
    [{ 'hostname-override': ' Node-B ' }, { nodeName: 'node-b' }],
    [{ 'hostname-override': '' }, { nodeName: 'host' }],
    [{ 'proxy-mode': 'userspace' }, { modes: ['userspace'] }],
    [{ 'proxy-mode': '' }, { modes: ['userspace'] }],
    [{ 'proxy-mode': 'ipvs' }, { modes: ['ipvs'] }],
    [{ 'proxy-mode': ' ipvs, iptables,userspace' }, { modes: ['ipvs', 'iptables', 'userspace'] }],
    [{ 'on-exit': 'kernel' }, { onExit: 'kernel' }],
    [{ 'on-exit': 'keep' }, { onExit: 'keep' }],
    [{ 'on-exit': 'cleanup', 'proxy-mode': 'iptables' }, { onExit: 'cleanup' }],
    [{ 'bind-address': '192.168.50.1' }, { bindAddress: '192.168.50.1' }],
    [{ 'bind-address': '192.168.050.001' }, { bindAddress: '192.168.50.1' }],
    [{ 'bind-address': 'fd00::1' }, { bindAddress: 'fd00::1' }],
    [{ 'bind-address': '' }, { bindAddress: undefined }],
    [{ 'bind-address': '::' }, { bindAddress: undefined }],
    [{ 'bind-address': '::ffff:0.0.0.0' }, { bindAddress: undefined }],
    [{ 'detect-local-mode': 'NodeCIDR' }, { detectLocal: { mode: 'NodeCIDR' } }],
    [
      { 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'cni0' },
      { detectLocal: { mode: 'BridgeInterface', name: 'cni0' } },
    ],
    [
      { 'detect-local-mode': 'InterfaceNamePrefix', 'pod-interface-name-prefix': 'cali' },
      { detectLocal: { mode: 'InterfaceNamePrefix', name: 'cali' } },
    ],
    [{ 'nodeport-addresses': ['primary'] }, { nodePortAddresses: ['primary'] }],
    [
      { 'nodeport-addresses': ['10.0.0.0/8,fd00::/8'] },
      {
        nodePortAddresses: [
          { family: 'IPv4', network: '10.0.0.0', bits: 8 },
          { family: 'IPv6', network: 'fd00::', bits: 8 },
        ],
      },
    ],
    [{ 'nodeport-addresses': '10.0.0.0/8' }, { nodePortAddresses: [{ family: 'IPv4', network: '10.0.0.0', bits: 8 }] }],
    [{ 'nodeport-addresses': [''] }, { nodePortAddresses: undefined }],
    [
      { 'nodeport-addresses': ['', '10.0.0.0/8'] },
      { nodePortAddresses: [{ family: 'IPv4', network: '10.0.0.0', bits: 8 }] },
    ],
    [{ 'source-ranges-at-nodeports': true }, { rangesAtNodePorts: true }],
    [{ 'allow-node-address-endpoints': true }, { allowNodeAddressEndpoints: true }],
    [{ 'iptables-localhost-nodeports': 'false' }, { localhostNodePorts: false }],
    [{ 'cluster-cidr': '10.244.0.0/16' }, { clusterCIDR: [{ family: 'IPv4', network: '10.244.0.0', bits: 16 }] }],
    [
      { 'cluster-cidr': '10.244.0.0/16, fd00::/64' },
      {
        clusterCIDR: [
          { family: 'IPv4', network: '10.244.0.0', bits: 16 },
          { family: 'IPv6', network: 'fd00::', bits: 64 },
        ],
      },
    ],
    [{ 'proxy-port-range': '40000-40010' }, { portRange: { first: 40000, last: 40010 } }],
    [{ 'proxy-port-range': '0' }, { portRange: undefined }],
    [{ 'udp-timeout': '250ms' }, { udpIdleTimeout: 250 }],
    [{ 'fast-path': 'off' }, { fastPath: 'off' }],
    [{ 'iptables-sync-period': '1m' }, { iptablesSyncPeriod: 60_000 }],
    [{ 'iptables-min-sync-period': '0' }, { iptablesMinSyncPeriod: 0 }],
    [
      { 'iptables-sync-period': '5s', 'iptables-min-sync-period': '5s' },
      { iptablesSyncPeriod: 5000, iptablesMinSyncPeriod: 5000 },
    ],
    [{ 'conntrack-max-per-core': '0', 'conntrack-min': ' 2147483647 ' }, conntrack({ maxPerCore: 0, min: 2147483647 })],
    [{ 'conntrack-tcp-timeout-established': '0' }, conntrack({ tcpEstablishedTimeout: 0 })],
    // Too long for a timer of Node, but a setting of the kernel.
    [{ 'conntrack-tcp-timeout-established': '1000h' }, conntrack({ tcpEstablishedTimeout: 3_600_000_000 })],
    [{ 'conntrack-tcp-timeout-close-wait': '1m30s' }, conntrack({ tcpCloseWaitTimeout: 90_000 })],
    [{ 'conntrack-tcp-be-liberal': true }, conntrack({ tcpBeLiberal: true })],
    [{ 'conntrack-udp-timeout': '5s' }, conntrack({ udpTimeout: 5000 })],
    [{ 'conntrack-udp-timeout-stream': '250ms' }, conntrack({ udpStreamTimeout: 250 })],
    [{ 'conntrack-max-per-core': '0x10', 'conntrack-min': '020' }, conntrack({ maxPerCore: 16, min: 16 })],
    [{ 'healthz-stale-timeout': '0' }, { healthzStaleTimeout: 0 }],
    [{ 'healthz-stale-timeout': '5m' }, { healthzStaleTimeout: 300_000 }],
    [{ 'healthz-bind-address': '' }, { healthzBindAddress: '' }],
    [{ 'metrics-bind-address': '' }, { metricsBindAddress: '' }],
    [{ 'status-socket': '' }, { statusSocket: '' }],
    [{ 'status-socket': '/tmp/s' }, { statusSocket: '/tmp/s' }],
    [{ 'dashboard-bind-address': '127.0.0.1' }, { dashboardBindAddress: '127.0.0.1:10247' }],
    [{ 'dashboard-bind-address': '::1' }, { dashboardBindAddress: '[::1]:10247' }],
    [{ 'dashboard-bind-address': '127.1.2.3:80' }, { dashboardBindAddress: '127.1.2.3:80' }],
    [
      { 'dashboard-bind-address': '0.0.0.0', 'dashboard-allow-remote': true, 'dashboard-token-file': '/etc/token' },
      { dashboardBindAddress: '0.0.0.0:10247', dashboardAllowRemote: true, dashboardTokenFile: '/etc/token' },
    ],
    [{ 'healthz-bind-address': '127.0.0.1' }, { healthzBindAddress: '127.0.0.1:10256' }],
    [{ 'healthz-bind-address': '::' }, { healthzBindAddress: '[::]:10256' }],
    [{ 'healthz-bind-address': '::1:80' }, { healthzBindAddress: '[::1:80]:10256' }],
    [{ 'metrics-bind-address': '10.0.0.1' }, { metricsBindAddress: '10.0.0.1:10249' }],
    [{ 'metrics-bind-address': 'fd00::1' }, { metricsBindAddress: '[fd00::1]:10249' }],
    [{ 'healthz-bind-address': '[::]:10256' }, { healthzBindAddress: '[::]:10256' }],
    [{ 'metrics-bind-address': '0.0.0.0:1' }, { metricsBindAddress: '0.0.0.0:1' }],
    [{ 'drain-timeout': '0' }, { drainTimeout: 0 }],
    [{ 'oom-score-adj': ' -1000 ' }, { oomScoreAdj: -1000 }],
    [{ 'data-plane-workers': '0' }, { dataPlaneWorkers: 0 }],
    [{ 'data-plane-workers': ' 2' }, { dataPlaneWorkers: 2 }],
    [{ cleanup: true }, { cleanup: true }],
    [{ cleanup: false }, { cleanup: false }],
    [{ v: '4' }, { verbosity: 4 }],
    [{ 'logging-format': 'json' }, { logFormat: 'json' }],
    [{ 'logging-format': '' }, { logFormat: 'text' }],
    [
      { 'bind-address-hard-fail': true, profiling: 'true' },
      { bindAddressHardFail: true, profiling: true },
    ],
    [{ 'init-only': true }, { initOnly: true }],
    [{ 'healthz-port': '0' }, { healthzBindAddress: '' }],
    [{ 'healthz-port': '9000' }, { healthzBindAddress: '0.0.0.0:9000' }],
    [{ 'healthz-port': '9000', 'healthz-bind-address': '127.0.0.1' }, { healthzBindAddress: '127.0.0.1:9000' }],
    [{ 'healthz-port': '9000', 'healthz-bind-address': '127.0.0.1:1' }, { healthzBindAddress: '127.0.0.1:1' }],
    [{ 'metrics-port': '0', 'metrics-bind-address': '127.0.0.1' }, { metricsBindAddress: '' }],
    [{ 'proxy-mode': 'nftables,iptables,userspace' }, { modes: WITH_NFTABLES }],
    // A gate is never a mistake.
    [{ 'feature-gates': ['Foo=maybe,Bar', '=', 'A=true'] }, {}],
  ]
  for (const [values, expected] of table) {
    const { config, problems } = readConfig(values, 'host', MODES)
    t.same(problems, [], JSON.stringify(values))
    t.match(config, expected, JSON.stringify(values))
  }
  t.end()
})

/** The defaults of connection tracking, except these settings. */
function conntrack(differs: Partial<KubeProxyConfig['conntrack']>): Partial<KubeProxyConfig> {
  return { conntrack: { ...readConfig({}, 'host', MODES).config.conntrack, ...differs } }
}

void t.test('an invalid value gives one sentence with flag, value and what was expected', t => {
  const table: readonly (readonly [values: FlagValues, problem: string])[] = [
    [{ master: 'ftp://x' }, '--master "ftp://x": expected a URL that starts with http:// or https://'],
    [
      { master: 'https://user:secret@10.0.0.1:6443' },
      '--master: expected a URL without user name and password, which all users of the node can see in the list of processes; put them into the kubeconfig',
    ],
    [
      { master: 'https://user:sec/ret@10.0.0.1:6443' },
      '--master: expected a URL without user name and password, which all users of the node can see in the list of processes; put them into the kubeconfig',
    ],
    [{ master: '10.0.0.1:6443' }, '--master "10.0.0.1:6443": expected a URL that starts with http:// or https://'],
    [{ master: 'localhost:8080' }, '--master "localhost:8080": expected a URL that starts with http:// or https://'],
    [{ manifests: ['a.yaml', ' '] }, '--manifests ["a.yaml"," "]: one value is empty; complete or remove it'],
    [
      { manifests: ['a.yaml'], kubeconfig: 'k' },
      '--manifests ["a.yaml"]: cannot be combined with --kubeconfig or --master; use manifests or an API server',
    ],
    [
      { manifests: ['a.yaml'], master: 'http://m' },
      '--manifests ["a.yaml"]: cannot be combined with --kubeconfig or --master; use manifests or an API server',
    ],
    [{ 'manifests-strict': true }, '--manifests-strict true: applies to manifests; give --manifests too'],
    [
      { 'hostname-override': '  ' },
      '--hostname-override "  ": expected a name; leave the flag out to use the host name',
    ],
    [{ 'proxy-mode': 'ebpf' }, '--proxy-mode "ebpf": expected userspace, iptables, ipvs, or a list of them'],
    [{ 'proxy-mode': 'ipvs,' }, '--proxy-mode "ipvs,": expected userspace, iptables, ipvs, or a list of them'],
    [
      { 'proxy-mode': 'ipvs,ipvs' },
      '--proxy-mode "ipvs,ipvs": expected userspace, iptables, ipvs, or a list of them, each once',
    ],
    [{ 'logging-format': 'xml' }, '--logging-format "xml": expected text or json'],
    [{ 'healthz-port': '65536' }, '--healthz-port "65536": expected a port from 1 to 65535, or 0'],
    [{ 'on-exit': 'stay' }, '--on-exit "stay": expected auto, keep, cleanup or kernel'],
    [
      { 'on-exit': 'kernel', 'proxy-mode': 'ipvs' },
      '--on-exit "kernel": applies to userspace mode only; use keep: in the other modes the kernel continues to serve',
    ],
    [{ 'iptables-masquerade-bit': '32' }, '--iptables-masquerade-bit "32": must be from 0 to 31'],
    [{ 'iptables-masquerade-bit': 'x' }, '--iptables-masquerade-bit "x": expected a whole number of at least 0'],
    [
      { 'ipvs-scheduler': 'fastest' },
      '--ipvs-scheduler "fastest": expected rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo or ovf',
    ],
    [{ 'ipvs-exclude-cidrs': ['10.0.0'] }, '--ipvs-exclude-cidrs ["10.0.0"]: expected CIDRs such as 192.168.0.0/16'],
    [{ 'ipvs-sync-period': '0s' }, '--ipvs-sync-period "0s": must be longer than 0'],
    [{ 'ipvs-min-sync-period': '1m' }, '--ipvs-sync-period "30s": must be at least --ipvs-min-sync-period'],
    [{ 'ipvs-tcp-timeout': '-1s' }, '--ipvs-tcp-timeout "-1s": must be at least 0'],
    [{ 'bind-address': 'eth0' }, '--bind-address "eth0": expected an IP address such as 192.168.1.10'],
    [
      { 'bind-address': '127.0.0.1' },
      '--bind-address "127.0.0.1": Pods cannot reach a loopback address; use an address of the node, or 0.0.0.0',
    ],
    [
      { 'bind-address': '::1' },
      '--bind-address "::1": Pods cannot reach a loopback address; use an address of the node, or 0.0.0.0',
    ],
    [
      { 'bind-address': '::ffff:127.0.0.1' },
      '--bind-address "::ffff:127.0.0.1": Pods cannot reach a loopback address; use an address of the node, or 0.0.0.0',
    ],
    [
      { 'bind-address': 'fe80::1' },
      '--bind-address "fe80::1": cannot listen on a link-local address; use an address of the node, or 0.0.0.0',
    ],
    [
      { 'bind-address': '224.0.0.1' },
      '--bind-address "224.0.0.1": cannot listen on a multicast address; use an address of the node, or 0.0.0.0',
    ],
    [
      { 'detect-local-mode': 'Magic' },
      '--detect-local-mode "Magic": expected ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
    ],
    [
      { 'detect-local-mode': 'BridgeInterface' },
      '--pod-bridge-interface "": expected 1 to 15 characters of an interface name; --detect-local-mode=BridgeInterface needs it',
    ],
    [
      { 'nodeport-addresses': ['primary', '10.0.0.0'] },
      `--nodeport-addresses ["primary","10.0.0.0"]: expected CIDRs such as 192.168.0.0/16, primary, localhost or all`,
    ],
    [{ 'iptables-localhost-nodeports': 'yes' }, '--iptables-localhost-nodeports "yes": expected true or false'],
    [{ 'cluster-cidr': '10.0.0.0' }, '--cluster-cidr "10.0.0.0": expected a CIDR such as 10.244.0.0/16'],
    [{ 'cluster-cidr': '10.0.0.0/8,' }, '--cluster-cidr "10.0.0.0/8,": expected a CIDR such as 10.244.0.0/16'],
    [
      { 'cluster-cidr': '10.0.0.0/8,10.1.0.0/16' },
      '--cluster-cidr "10.0.0.0/8,10.1.0.0/16": two CIDRs of one IP family; use at most one for each family',
    ],
    [{ 'proxy-port-range': '5-3' }, '--proxy-port-range "5-3": the range ends at 3, below its start 5'],
    [{ 'fast-path': 'on' }, '--fast-path "on": expected auto or off'],
    [{ 'udp-timeout': '0' }, '--udp-timeout "0": must be longer than 0'],
    [{ 'udp-timeout': '5' }, '--udp-timeout "5": expected a duration such as 250ms or 1m30s'],
    [{ 'iptables-sync-period': '0s' }, '--iptables-sync-period "0s": must be longer than 0'],
    [{ 'iptables-sync-period': '-1s' }, '--iptables-sync-period "-1s": must be longer than 0'],
    [{ 'iptables-sync-period': 'abc' }, '--iptables-sync-period "abc": expected a duration such as 250ms or 1m30s'],
    [{ 'iptables-sync-period': '' }, '--iptables-sync-period "": expected a duration such as 250ms or 1m30s'],
    [{ 'iptables-sync-period': '600h' }, '--iptables-sync-period "600h": must be at most 24 days'],
    [{ 'iptables-min-sync-period': '-1s' }, '--iptables-min-sync-period "-1s": must be at least 0'],
    [{ 'iptables-min-sync-period': '1m' }, '--iptables-sync-period "30s": must be at least --iptables-min-sync-period'],
    [
      { 'iptables-sync-period': '500ms' },
      '--iptables-sync-period "500ms": must be at least --iptables-min-sync-period',
    ],
    [
      { 'healthz-stale-timeout': '30s' },
      '--healthz-stale-timeout "30s": must be 0 or at least 1m: an idle watch is confirmed every 25 to 35 s',
    ],
    [
      { 'healthz-bind-address': ':10256' },
      '--healthz-bind-address ":10256": expected IP or IP:PORT such as 0.0.0.0:10256 or [::]:10256',
    ],
    [
      { 'healthz-bind-address': 'localhost:80' },
      '--healthz-bind-address "localhost:80": expected IP or IP:PORT such as 0.0.0.0:10256 or [::]:10256',
    ],
    [
      { 'metrics-bind-address': '[::1]' },
      '--metrics-bind-address "[::1]": expected IP or IP:PORT such as 0.0.0.0:10249 or [::]:10249',
    ],
    [{ 'metrics-bind-address': '10.0.0.1:0' }, '--metrics-bind-address "10.0.0.1:0": expected a port from 1 to 65535'],
    [
      { 'metrics-bind-address': '10.0.0.1:65536' },
      '--metrics-bind-address "10.0.0.1:65536": expected a port from 1 to 65535',
    ],
    [{ 'oom-score-adj': '-1001' }, '--oom-score-adj "-1001": expected a whole number from -1000 to 1000'],
    [{ 'oom-score-adj': '' }, '--oom-score-adj "": expected a whole number from -1000 to 1000'],
    [{ 'conntrack-max-per-core': '-1' }, '--conntrack-max-per-core "-1": must be at least 0'],
    [{ 'conntrack-max-per-core': '1.5' }, '--conntrack-max-per-core "1.5": expected a whole number of at least 0'],
    [{ 'conntrack-max-per-core': '' }, '--conntrack-max-per-core "": expected a whole number of at least 0'],
    [{ 'conntrack-min': '2147483648' }, '--conntrack-min "2147483648": must be at most 2147483647'],
    [{ 'conntrack-min': '1e3' }, '--conntrack-min "1e3": expected a whole number of at least 0'],
    [{ 'conntrack-min': '08' }, '--conntrack-min "08": expected a whole number of at least 0'],
    [{ 'proxy-prot-range': '1-2' }, '--proxy-prot-range "1-2": unknown flag; see kube-proxy --help'],
    [{ kubeconfig: true }, '--kubeconfig true: expected text'],
    [{ v: 2 as never }, '--v 2: expected text'],
    [{ 'ipvs-scheduler': ['rr', 'sh'] }, '--ipvs-scheduler ["rr","sh"]: expected text'],
    [{ manifests: [1] as never }, '--manifests [1]: expected a list of texts'],
    [{ manifests: '' }, '--manifests "": one value is empty; complete or remove it'],
    ...[
      'conntrack-tcp-timeout-established',
      'conntrack-tcp-timeout-close-wait',
      'conntrack-udp-timeout',
      'conntrack-udp-timeout-stream',
    ].flatMap(flag => [
      [{ [flag]: '-1s' }, `--${flag} "-1s": must be at least 0`] as const,
      [{ [flag]: '60' }, `--${flag} "60": expected a duration such as 250ms or 1m30s`] as const,
      [{ [flag]: '2147483648s' }, `--${flag} "2147483648s": must be at most 2147483647s`] as const,
    ]),
    [{ 'data-plane-workers': 'two' }, '--data-plane-workers "two": expected a whole number of at least 0, or auto'],
    [{ 'data-plane-workers': '-1' }, '--data-plane-workers "-1": expected a whole number of at least 0, or auto'],
    [{ 'data-plane-workers': '65' }, '--data-plane-workers "65": must be at most 64'],
    [{ 'drain-timeout': '-1ms' }, '--drain-timeout "-1ms": must be at least 0'],
    ...['0.0.0.0', '::', '192.168.1.10:80', '[fd00::1]:80'].map(
      address =>
        [
          { 'dashboard-bind-address': address },
          `--dashboard-bind-address "${address}": other hosts can reach this address; use 127.0.0.1, or give --dashboard-allow-remote too`,
        ] as const,
    ),
    [
      { 'dashboard-bind-address': 'localhost:80' },
      '--dashboard-bind-address "localhost:80": expected IP or IP:PORT such as 0.0.0.0:10247 or [::]:10247',
    ],
    [
      { 'dashboard-bind-address': '0.0.0.0', 'dashboard-allow-remote': true },
      '--dashboard-allow-remote true: other hosts need a token; give --dashboard-token-file too',
    ],
    [{ 'status-socket': 'sock' }, '--status-socket "sock": expected an absolute path, or an empty text'],
    [
      { 'status-socket': `/${'x'.repeat(107)}` },
      `--status-socket "/${'x'.repeat(107)}": the path is longer than the 107 bytes that a Unix socket can have`,
    ],
    [{ v: '' }, '--v "": expected a whole number of at least 0'],
    [{ v: '-1' }, '--v "-1": expected a whole number of at least 0'],
    [{ v: '0x1' }, '--v "0x1": expected a whole number of at least 0'],
    [{ v: '1.5' }, '--v "1.5": expected a whole number of at least 0'],
    [{ v: '9999' }, '--v "9999": expected a whole number of at least 0'],
    // Line breaks and terminal sequences are escaped.
    [{ v: '1\n2\u001b[31m' }, '--v "1\\n2\\u001b[31m": expected a whole number of at least 0'],
  ]
  for (const [values, problem] of table)
    t.same(readConfig(values, 'host', MODES).problems, [problem], JSON.stringify(values))
  t.end()
})

void t.test('all invalid values are reported together', t => {
  const { problems } = readConfig(
    { v: 'x', 'bind-address': 'y', 'udp-timeout': 'z', 'proxy-port-range': '-', 'cluster-cidr': '-', master: '-' },
    'host',
    MODES,
  )
  t.same(problems.map(problem => problem.split(' ', 1)[0]).sort(), [
    '--bind-address',
    '--cluster-cidr',
    '--master',
    '--proxy-port-range',
    '--udp-timeout',
    '--v',
  ])
  t.end()
})

void t.test('a switch takes the values of Go, and nothing else', t => {
  const switches: readonly (readonly [flag: string, read: (config: KubeProxyConfig) => boolean])[] = [
    ['cleanup', ({ cleanup }) => cleanup],
    ['source-ranges-at-nodeports', ({ rangesAtNodePorts }) => rangesAtNodePorts],
    ['allow-node-address-endpoints', ({ allowNodeAddressEndpoints }) => allowNodeAddressEndpoints],
    ['iptables-localhost-nodeports', ({ localhostNodePorts }) => localhostNodePorts],
    ['masquerade-all', ({ kernelModes }) => kernelModes.masqueradeAll],
    ['ipvs-strict-arp', ({ kernelModes }) => kernelModes.ipvs.strictARP],
    ['conntrack-tcp-be-liberal', ({ conntrack }) => conntrack.tcpBeLiberal],
  ]
  const known = FLAGS.filter(({ kind }) => kind === 'switch').map(({ name }) => name)
  for (const flag of known) {
    for (const wrong of ['', 'yes', 'on', 'tRUE', ' true', '2', 'ja'])
      t.same(
        readConfig({ [flag]: wrong }, 'host', MODES).problems,
        [`--${flag} ${JSON.stringify(wrong)}: expected true or false`],
        `--${flag}=${wrong}`,
      )
  }
  for (const [flag, read] of switches) {
    t.ok(known.includes(flag), flag)
    for (const [expected, texts] of [
      [true, [true, '1', 't', 'T', 'TRUE', 'true', 'True']],
      [false, [false, '0', 'f', 'F', 'FALSE', 'false', 'False']],
    ] as const)
      for (const value of texts) {
        const { config, problems } = readConfig({ [flag]: value }, 'host', MODES)
        t.same([read(config), problems], [expected, []], `--${flag}=${value}`)
      }
  }
  t.end()
})

void t.test('an option without effect is noted with the reason, and one that has its default in a file is not', t => {
  const { notes, problems } = readConfig({ 'kube-api-qps': '5', logtostderr: true, v: '2' }, 'host', MODES)
  t.same(problems, [])
  const effects = notes.filter(({ message }) => message === 'Option without effect')
  t.same(
    effects.map(({ fields }) => [fields['option'], fields['value']]),
    [
      ['--kube-api-qps', '5'],
      ['--logtostderr', 'true'],
    ],
  )
  for (const { fields } of effects) t.match(fields['reason'], /./)
  t.end()
})

void t.test('without a mode, one note names the default', t => {
  const notesOf = (values: FlagValues) =>
    readConfig(values, 'host', MODES).notes.filter(({ message }) => message.startsWith('No proxy mode'))
  for (const values of [{}, { 'proxy-mode': '' }])
    t.match(notesOf(values), [{ isWarning: false, fields: { mode: 'userspace' } }])
  t.same(notesOf({ 'proxy-mode': 'userspace' }), [])
  t.end()
})

void t.test('gates that this proxy honours are not noted; all others are, in one warning', t => {
  const notesOf = (gates: readonly string[]) => readConfig({ 'feature-gates': gates }, 'host', MODES).notes
  const gates = (notes: ReturnType<typeof notesOf>) => notes.flatMap(({ fields }) => fields['gates'] ?? [])
  t.same(gates(notesOf(['TopologyAwareHints=true'])), [])
  t.same(gates(notesOf(['TopologyAwareHints=false,A=true', 'B=false'])), ['TopologyAwareHints=false,A=true,B=false'])
  t.end()
})

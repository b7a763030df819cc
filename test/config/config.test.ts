import { MODES } from '../../lib/modes/registry.js'
import t from 'tap'
import { parseDuration } from '../../lib/config/duration.js'
import { FLAGS } from '../../lib/config/flags.js'
import { type KubeProxyConfig } from '../../lib/config/kube-proxy-config.js'
import { type FlagValues } from '../../lib/config/flag-reader.js'
import { readConfig } from '../../lib/config/read-config.js'

void t.test('A duration is read in the syntax of Go', t => {
  const table: readonly (readonly [text: string, ms: number | undefined])[] = [
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['0s', 0],
    ['-0s', 0],
    ['250ms', 250],
    ['1s', 1000],
    ['+1s', 1000],
    ['-1s', -1000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['1h2m3s4ms', 3_723_004],
    ['30s1m', 90_000],
    ['100us', 0.1],
    // The micro sign and the Greek letter look alike; Go takes both.
    ['100\u00b5s', 0.1],
    ['100\u03bcs', 0.1],
    ['1000000ns', 1],
    ['9000000h', 9_000_000 * 3_600_000],
    ['', undefined],
    ['1', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['.', undefined],
    ['-', undefined],
    ['--1s', undefined],
    ['1 s', undefined],
    ['1s 2s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['1e3s', undefined],
    ['1s1', undefined],
    ['1.2.3s', undefined],
    ['00', undefined],
    ['NaN', undefined],
    ['1constructor', undefined],
    ['9'.repeat(100_000), undefined],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, `"${text.slice(0, 30)}"`)
  t.end()
})

void t.test('Without any flag every value has its default', t => {
  const { config, problems } = readConfig({}, 'Node-A', MODES)
  t.same(problems, [])
  t.same(config, {
    kubeconfig: '',
    master: '',
    manifests: [],
    nodeName: 'node-a',
    modes: ['userspace'],
    bindAddress: undefined,
    clusterCIDR: [],
    detectLocal: { mode: 'ClusterCIDR' },
    nodePortAddresses: undefined,
    rangesAtNodePorts: false,
    localhostNodePorts: true,
    portRange: undefined,
    udpIdleTimeout: undefined,
    fastPath: 'auto',
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
    metricsBindAddress: '127.0.0.1:10249',
    drainTimeout: 30_000,
    dataPlaneWorkers: 'auto',
    onExit: 'keep',
    cleanup: false,
    verbosity: 0,
  })
  t.end()
})

void t.test('Every flag says what it is for, and its default can be read', t => {
  t.equal(new Set(FLAGS.map(({ name }) => name)).size, FLAGS.length, 'no name is there twice')
  for (const { name, kind, help, value } of FLAGS) {
    t.match(help, /^[A-Z].*[^.]$/s, `--${name} has a help that reads like the others`)
    t.equal(value === undefined, kind === 'switch', `--${name} shows what stands for its value`)
  }
  const spelledOut = Object.fromEntries(FLAGS.map(({ name, default: byDefault }) => [name, byDefault]))
  t.same(
    readConfig(spelledOut, 'node-a', MODES),
    readConfig({}, 'node-a', MODES),
    'a default that is spelled out changes nothing',
  )
  t.end()
})

void t.test('The settings of the kernel modes are read', t => {
  const read = (values: FlagValues) => {
    const { config, problems } = readConfig(values, 'node-a', MODES)
    t.same(problems, [])
    return config.kernelModes
  }
  t.match(read({}), { masqueradeAll: false, masqueradeMark: 0x4000, ipvs: { scheduler: 'rr', excludeCIDRs: [] } })
  t.equal(read({ 'iptables-masquerade-bit': '0' }).masqueradeMark, 1)
  t.equal(read({ 'iptables-masquerade-bit': '31' }).masqueradeMark, 0x8000_0000)
  const { masqueradeAll, ipvs } = read({
    'masquerade-all': true,
    'ipvs-scheduler': 'wlc',
    'ipvs-exclude-cidrs': ['192.168.0.0/16,10.0.0.0/8', 'fd00::/8'],
    'ipvs-strict-arp': true,
    'ipvs-sync-period': '1m',
    'ipvs-min-sync-period': '2s',
    'ipvs-tcp-timeout': '15m',
    'ipvs-tcpfin-timeout': '2m',
    'ipvs-udp-timeout': '5m',
  })
  t.equal(masqueradeAll, true)
  t.equal(ipvs.excludeCIDRs.length, 3)
  t.match(ipvs, { scheduler: 'wlc', strictARP: true, syncPeriod: 60_000, minSyncPeriod: 2000 })
  t.match(ipvs, { tcpTimeout: 900_000, tcpFinTimeout: 120_000, udpTimeout: 300_000 })
  t.end()
})

void t.test('A good value is taken', t => {
  const table: readonly (readonly [values: FlagValues, expected: Partial<KubeProxyConfig>])[] = [
    [{ kubeconfig: ' /etc/kube.conf ' }, { kubeconfig: '/etc/kube.conf' }],
    [{ master: 'https://10.0.0.1:6443' }, { master: 'https://10.0.0.1:6443' }],
    [{ master: 'http://[fd00::1]:8080' }, { master: 'http://[fd00::1]:8080' }],
    [{ manifests: ['a.yaml', 'folder'] }, { manifests: ['a.yaml', 'folder'] }],
    [{ 'hostname-override': ' Node-B ' }, { nodeName: 'node-b' }],
    [{ 'hostname-override': '' }, { nodeName: 'host' }],
    [{ 'proxy-mode': 'userspace' }, { modes: ['userspace'] }],
    [{ 'proxy-mode': '' }, { modes: ['userspace'] }],
    [{ 'proxy-mode': 'ipvs' }, { modes: ['ipvs'] }],
    [{ 'proxy-mode': ' ipvs, iptables,userspace' }, { modes: ['ipvs', 'iptables', 'userspace'] }],
    [{ 'on-exit': 'kernel' }, { onExit: 'kernel' }],
    [{ 'on-exit': 'cleanup', 'proxy-mode': 'iptables' }, { onExit: 'cleanup' }],
    [{ 'bind-address': '192.168.50.1' }, { bindAddress: '192.168.50.1' }],
    [{ 'bind-address': '192.168.050.001' }, { bindAddress: '192.168.50.1' }],
    [{ 'bind-address': 'fd00::1' }, { bindAddress: 'fd00::1' }],
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
    [{ 'nodeport-addresses': ['primary'] }, { nodePortAddresses: 'primary' }],
    [
      { 'nodeport-addresses': ['10.0.0.0/8,fd00::/8'] },
      {
        nodePortAddresses: [
          { family: 'IPv4', network: '10.0.0.0', bits: 8 },
          { family: 'IPv6', network: 'fd00::', bits: 8 },
        ],
      },
    ],
    [{ 'source-ranges-at-nodeports': true }, { rangesAtNodePorts: true }],
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
    // No timer waits that long: these are for the kernel.
    [{ 'conntrack-tcp-timeout-established': '1000h' }, conntrack({ tcpEstablishedTimeout: 3_600_000_000 })],
    [{ 'conntrack-tcp-timeout-close-wait': '1m30s' }, conntrack({ tcpCloseWaitTimeout: 90_000 })],
    [{ 'conntrack-tcp-be-liberal': true }, conntrack({ tcpBeLiberal: true })],
    [{ 'conntrack-udp-timeout': '5s' }, conntrack({ udpTimeout: 5000 })],
    [{ 'conntrack-udp-timeout-stream': '250ms' }, conntrack({ udpStreamTimeout: 250 })],
    [{ 'healthz-bind-address': '' }, { healthzBindAddress: '' }],
    [{ 'healthz-bind-address': '[::]:10256' }, { healthzBindAddress: '[::]:10256' }],
    [{ 'metrics-bind-address': '0.0.0.0:1' }, { metricsBindAddress: '0.0.0.0:1' }],
    [{ 'drain-timeout': '0' }, { drainTimeout: 0 }],
    [{ 'data-plane-workers': '0' }, { dataPlaneWorkers: 0 }],
    [{ 'data-plane-workers': ' 2' }, { dataPlaneWorkers: 2 }],
    [{ cleanup: true }, { cleanup: true }],
    [{ cleanup: false }, { cleanup: false }],
    [{ v: '4' }, { verbosity: 4 }],
  ]
  for (const [values, expected] of table) {
    const { config, problems } = readConfig(values, 'host', MODES)
    t.same(problems, [], JSON.stringify(values))
    t.match(config, expected, JSON.stringify(values))
  }
  t.end()
})

/** The defaults of connection tracking, but for these. */
function conntrack(differs: Partial<KubeProxyConfig['conntrack']>): Partial<KubeProxyConfig> {
  return { conntrack: { ...readConfig({}, 'host', MODES).config.conntrack, ...differs } }
}

void t.test('A bad value is refused with one sentence that names it and what was wanted', t => {
  const table: readonly (readonly [values: FlagValues, problem: string])[] = [
    [{ master: 'ftp://x' }, '--master "ftp://x": expected a URL that starts with http:// or https://'],
    [{ master: '10.0.0.1:6443' }, '--master "10.0.0.1:6443": expected a URL that starts with http:// or https://'],
    [{ master: 'localhost:8080' }, '--master "localhost:8080": expected a URL that starts with http:// or https://'],
    [{ manifests: ['a.yaml', ' '] }, '--manifests ["a.yaml"," "]: expected a path, found an empty one'],
    [
      { manifests: ['a.yaml'], kubeconfig: 'k' },
      '--manifests ["a.yaml"]: cannot be combined with --kubeconfig or --master: objects come from one place',
    ],
    [
      { manifests: ['a.yaml'], master: 'http://m' },
      '--manifests ["a.yaml"]: cannot be combined with --kubeconfig or --master: objects come from one place',
    ],
    [{ 'hostname-override': '  ' }, '--hostname-override "  ": expected a name, found only spaces'],
    [{ 'proxy-mode': 'ebpf' }, '--proxy-mode "ebpf": expected userspace, iptables, ipvs, or a list of them'],
    [{ 'proxy-mode': 'ipvs,' }, '--proxy-mode "ipvs,": expected userspace, iptables, ipvs, or a list of them'],
    [
      { 'proxy-mode': 'ipvs,ipvs' },
      '--proxy-mode "ipvs,ipvs": expected userspace, iptables, ipvs, or a list of them, each once',
    ],
    [{ 'on-exit': 'stay' }, '--on-exit "stay": expected keep, cleanup or kernel'],
    [
      { 'on-exit': 'kernel', 'proxy-mode': 'ipvs' },
      '--on-exit "kernel": counts in userspace mode only: in the others the kernel serves on with "keep"',
    ],
    [{ 'iptables-masquerade-bit': '32' }, '--iptables-masquerade-bit "32": must be within the range [0, 31]'],
    [{ 'iptables-masquerade-bit': 'x' }, '--iptables-masquerade-bit "x": expected a whole number from 0'],
    [
      { 'ipvs-scheduler': 'fastest' },
      '--ipvs-scheduler "fastest": expected one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh, fo, ovf',
    ],
    [{ 'ipvs-exclude-cidrs': ['10.0.0'] }, '--ipvs-exclude-cidrs ["10.0.0"]: expected ranges such as "192.168.0.0/16"'],
    [{ 'ipvs-sync-period': '0s' }, '--ipvs-sync-period "0s": must be greater than 0'],
    [{ 'ipvs-min-sync-period': '1m' }, '--ipvs-sync-period "30s": must be at least --ipvs-min-sync-period'],
    [{ 'ipvs-tcp-timeout': '-1s' }, '--ipvs-tcp-timeout "-1s": must be greater than or equal to 0'],
    [{ 'bind-address': '' }, '--bind-address "": expected an IP address'],
    [{ 'bind-address': 'eth0' }, '--bind-address "eth0": expected an IP address'],
    [
      { 'bind-address': '127.0.0.1' },
      '--bind-address "127.0.0.1": cannot proxy on a loopback address: packets of Pods never get there',
    ],
    [
      { 'bind-address': '::1' },
      '--bind-address "::1": cannot proxy on a loopback address: packets of Pods never get there',
    ],
    [
      { 'bind-address': '::ffff:127.0.0.1' },
      '--bind-address "::ffff:127.0.0.1": cannot proxy on a loopback address: packets of Pods never get there',
    ],
    [{ 'bind-address': 'fe80::1' }, '--bind-address "fe80::1": cannot listen on a link-local address'],
    [{ 'bind-address': '224.0.0.1' }, '--bind-address "224.0.0.1": cannot listen on a multicast address'],
    [
      { 'detect-local-mode': 'Magic' },
      '--detect-local-mode "Magic": expected ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
    ],
    [
      { 'detect-local-mode': 'BridgeInterface' },
      '--pod-bridge-interface "": expected the name that --detect-local-mode=BridgeInterface needs',
    ],
    [
      { 'nodeport-addresses': ['primary', '10.0.0.0/8'] },
      `--nodeport-addresses ["primary","10.0.0.0/8"]: can't use both 'primary' and CIDRs`,
    ],
    [{ 'iptables-localhost-nodeports': 'yes' }, '--iptables-localhost-nodeports "yes": expected "true" or "false"'],
    [{ 'cluster-cidr': '10.0.0.0' }, '--cluster-cidr "10.0.0.0": expected a range such as "10.244.0.0/16"'],
    [{ 'cluster-cidr': '10.0.0.0/8,' }, '--cluster-cidr "10.0.0.0/8,": expected a range such as "10.244.0.0/16"'],
    [
      { 'cluster-cidr': '10.0.0.0/8,10.1.0.0/16' },
      '--cluster-cidr "10.0.0.0/8,10.1.0.0/16": expected one range, or two of different IP families',
    ],
    [{ 'proxy-port-range': '5-3' }, '--proxy-port-range "5-3": the range ends at 3, below its start 5'],
    [{ 'fast-path': 'on' }, '--fast-path "on": expected auto or off'],
    [{ 'udp-timeout': '0' }, '--udp-timeout "0": must be greater than 0'],
    [{ 'udp-timeout': '5' }, '--udp-timeout "5": expected a duration such as "250ms" or "1m30s"'],
    [{ 'iptables-sync-period': '0s' }, '--iptables-sync-period "0s": must be greater than 0'],
    [{ 'iptables-sync-period': '-1s' }, '--iptables-sync-period "-1s": must be greater than 0'],
    [{ 'iptables-sync-period': 'abc' }, '--iptables-sync-period "abc": expected a duration such as "250ms" or "1m30s"'],
    [{ 'iptables-sync-period': '' }, '--iptables-sync-period "": expected a duration such as "250ms" or "1m30s"'],
    [{ 'iptables-sync-period': '600h' }, '--iptables-sync-period "600h": must be at most 24 days'],
    [{ 'iptables-min-sync-period': '-1s' }, '--iptables-min-sync-period "-1s": must be greater than or equal to 0'],
    [{ 'iptables-min-sync-period': '1m' }, '--iptables-sync-period "30s": must be at least --iptables-min-sync-period'],
    [
      { 'iptables-sync-period': '500ms' },
      '--iptables-sync-period "500ms": must be at least --iptables-min-sync-period',
    ],
    [
      { 'healthz-bind-address': ':10256' },
      '--healthz-bind-address ":10256": expected IP:PORT, such as "0.0.0.0:10256" or "[::]:10256"',
    ],
    [
      { 'healthz-bind-address': '::1:80' },
      '--healthz-bind-address "::1:80": expected IP:PORT, such as "0.0.0.0:10256" or "[::]:10256"',
    ],
    [
      { 'healthz-bind-address': 'localhost:80' },
      '--healthz-bind-address "localhost:80": expected IP:PORT, such as "0.0.0.0:10256" or "[::]:10256"',
    ],
    [
      { 'metrics-bind-address': '10.0.0.1' },
      '--metrics-bind-address "10.0.0.1": expected IP:PORT, such as "0.0.0.0:10256" or "[::]:10256"',
    ],
    [{ 'metrics-bind-address': '10.0.0.1:0' }, '--metrics-bind-address "10.0.0.1:0": expected a port from 1 to 65535'],
    [
      { 'metrics-bind-address': '10.0.0.1:65536' },
      '--metrics-bind-address "10.0.0.1:65536": expected a port from 1 to 65535',
    ],
    [{ 'conntrack-max-per-core': '-1' }, '--conntrack-max-per-core "-1": must be greater than or equal to 0'],
    [{ 'conntrack-max-per-core': '1.5' }, '--conntrack-max-per-core "1.5": expected a whole number from 0'],
    [{ 'conntrack-max-per-core': '' }, '--conntrack-max-per-core "": expected a whole number from 0'],
    [{ 'conntrack-min': '2147483648' }, '--conntrack-min "2147483648": must be at most 2147483647'],
    [{ 'conntrack-min': '0x10' }, '--conntrack-min "0x10": expected a whole number from 0'],
    ...[
      'conntrack-tcp-timeout-established',
      'conntrack-tcp-timeout-close-wait',
      'conntrack-udp-timeout',
      'conntrack-udp-timeout-stream',
    ].flatMap(flag => [
      [{ [flag]: '-1s' }, `--${flag} "-1s": must be greater than or equal to 0`] as const,
      [{ [flag]: '60' }, `--${flag} "60": expected a duration such as "250ms" or "1m30s"`] as const,
      [{ [flag]: '2147483648s' }, `--${flag} "2147483648s": must be at most 2147483647s`] as const,
    ]),
    [{ 'data-plane-workers': 'two' }, '--data-plane-workers "two": expected a number from 0, or "auto"'],
    [{ 'data-plane-workers': '-1' }, '--data-plane-workers "-1": expected a number from 0, or "auto"'],
    [{ 'data-plane-workers': '65' }, '--data-plane-workers "65": must be at most 64'],
    [{ 'drain-timeout': '-1ms' }, '--drain-timeout "-1ms": must be greater than or equal to 0'],
    [{ v: '' }, '--v "": expected a whole number from 0'],
    [{ v: '-1' }, '--v "-1": expected a whole number from 0'],
    [{ v: '1.5' }, '--v "1.5": expected a whole number from 0'],
    [{ v: '9999' }, '--v "9999": expected a whole number from 0'],
    // Text that would break out of a line or a terminal is shown escaped.
    [{ v: '1\n2\u001b[31m' }, '--v "1\\n2\\u001b[31m": expected a whole number from 0'],
  ]
  for (const [values, problem] of table)
    t.same(readConfig(values, 'host', MODES).problems, [problem], JSON.stringify(values))
  t.end()
})

void t.test('All bad values are reported together', t => {
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

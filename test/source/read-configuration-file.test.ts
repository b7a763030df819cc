import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type KubeProxyConfig } from '../../lib/config/kube-proxy-config.js'
import { readSettings } from '../../lib/config/read-config.js'
import { messageOf } from '../../lib/model/failure.js'
import { MODES } from '../../lib/modes/registry.js'
import { parseConfigurationFile, readConfigurationFile } from '../../lib/source/read-configuration-file.js'

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
const HEAD_LINES = 2

/** Reads fields below the two lines of the head. */
function read(fields: string) {
  const file = parseConfigurationFile(HEAD + fields, 'c.conf')
  const { config, problems, notes } = readSettings(file.settings, { hostName: 'host', knownModes: MODES, isFile: true })
  return { config, problems: [...file.problems, ...problems], notes: [...file.notes, ...notes] }
}

t.test('a field gives the setting of its flag', t => {
  const table: readonly (readonly [fields: string, expected: Partial<KubeProxyConfig>])[] = [
    ['clusterCIDR: 10.244.0.0/16', { clusterCIDR: [{ family: 'IPv4', network: '10.244.0.0', bits: 16 }] }],
    ['clientConnection: {kubeconfig: /etc/kube.conf}', { kubeconfig: '/etc/kube.conf' }],
    ['hostnameOverride: Node-B', { nodeName: 'node-b' }],
    ['mode: iptables', { modes: ['iptables'] }],
    ['mode: ipvs,iptables', { modes: ['ipvs', 'iptables'] }],
    ['mode: ""', { modes: ['userspace'] }],
    ['mode:', { modes: ['userspace'] }],
    ['iptables: {localhostNodePorts: False}', { localhostNodePorts: false }],
    ['iptables: {localhostNodePorts: null}', { localhostNodePorts: true }],
    ['iptables: {"syncPeriod":"1m","minSyncPeriod":"0s"}', { iptablesSyncPeriod: 60_000, iptablesMinSyncPeriod: 1000 }],
    ['iptables: {syncPeriod: 0}', { iptablesSyncPeriod: 30_000 }],
    ['conntrack: {maxPerCore: 0, min: null}', { conntrack: { ...read('').config.conntrack, maxPerCore: 0 } }],
    [
      'conntrack: {tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: null}',
      { conntrack: { ...read('').config.conntrack, tcpEstablishedTimeout: 0 } },
    ],
    ['oomScoreAdj: null', { oomScoreAdj: -999 }],
    ['oomScoreAdj: -998', { oomScoreAdj: -998 }],
    ['healthzBindAddress: ""\nmetricsBindAddress: ""', read('').config],
    ['healthzBindAddress: 127.0.0.1', { healthzBindAddress: '127.0.0.1:10256' }],
    ['bindAddress: "::"', { healthzBindAddress: '[::]:10256', metricsBindAddress: '[::1]:10249' }],
    ['enableProfiling: True', { profiling: true }],
    ['nodePortAddresses: []\nipvs: {excludeCIDRs: null}', { nodePortAddresses: undefined }],
    ['portRange: 8080', { portRange: { first: 8080, last: 8080 } }],
    ['portRange: ', { portRange: undefined }],
    ['udpIdleTimeout: 0s', { udpIdleTimeout: undefined }],
    ['logging: {verbosity: 4, format: json, flushFrequency: 0}', { verbosity: 4, logFormat: 'json' }],
    ['detectLocalMode: NodeCIDR', { detectLocal: { mode: 'NodeCIDR' } }],
    [
      'userspace:\n  drainTimeout: 10s\n  dataPlaneWorkers: 2\n  onExit: keep',
      { drainTimeout: 10_000, dataPlaneWorkers: 2, onExit: 'keep' },
    ],
    ['userspace: {manifests: ["a,b", c]}', { manifests: ['a,b', 'c'] }],
    // YAML as kubectl reads it: anchors, and texts of several lines.
    ['iptables: &periods {syncPeriod: 1m}\nipvs: *periods', { iptablesSyncPeriod: 60_000 }],
  ]
  for (const [fields, expected] of table) {
    const { config, problems } = read(fields)
    t.same(problems, [], fields)
    t.match({ ...config, options: {} }, { ...expected, options: {} }, fields)
  }
  t.end()
})

t.test('fields that say nothing are not noted', t => {
  for (const fields of [
    'featureGates:',
    'featureGates: {}',
    'featureGates: ""',
    'featureGates: {OfOthers: null, Other: ""}',
    'featureGates: {OfOthers: , TopologyAwareHints: true, ServiceInternalTrafficPolicy: "true"}',
    'winkernel: {enableDSR: false, networkName: "", sourceVip: ""}',
    'nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}',
    'clientConnection: {acceptContentTypes: , burst: 0, contentType: "", qps: 0}',
    'clientConnection: {burst: 10, contentType: application/vnd.kubernetes.protobuf, qps: 5}',
    'configSyncPeriod: 15m0s',
    'logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}}',
    'metadata: {name: config}',
    'logging: {vmodule: []}',
  ]) {
    const { problems, notes } = read(`mode: userspace\n${fields}`)
    t.same([problems, notes], [[], []], fields)
  }
  t.end()
})

t.test('a feature gate is never a mistake: what is not true or false is one warning, and the other gates count', t => {
  for (const [gates, value, counting] of [
    ['[a]', '["a"]', []],
    ['5', '5', []],
    ['true', 'true', []],
    ['{X: 1}', '{"X":1}', []],
    ['{X: maybe, A: true}', '{"X":"maybe"}', ['A=true']],
    ['{V: [1], W: {}, Z: null, A: false, B: "True"}', '{"V":[1],"W":{}}', ['A=false', 'B=True']],
  ] as const) {
    const { settings, problems, notes } = parseConfigurationFile(`${HEAD}featureGates: ${gates}`, 'c.conf')
    t.same(problems, [], gates)
    t.same(
      notes.map(({ isWarning, fields }) => ({ isWarning, ...fields })),
      [
        {
          isWarning: true,
          field: 'featureGates',
          value,
          expected: 'a map from names to true or false',
          file: 'c.conf',
          line: '3',
        },
      ],
      gates,
    )
    t.same(settings.get('feature-gates')?.value, counting, gates)
    t.same(read(`featureGates: ${gates}`).problems, [], gates)
  }
  const { problems, notes } = read('mode: userspace\nfeatureGates: "X=maybe,Y,A=true"')
  t.same(problems, [], 'the text of kube-proxy 1.9')
  t.match(notes, [{ isWarning: true, fields: { gates: 'X=maybe,Y,A=true' } }])
  t.end()
})

t.test('an unknown field, and one that is there twice, are warnings with their lines', t => {
  const { config, problems, notes } = read(
    'mode: userspace\nportrange: 1-2\niptables:\n  syncperiod: 5m\n  colour: red\nmode: iptables\nnothing: {a: 1}',
  )
  t.same(problems, [])
  t.same(config.modes, ['iptables'], 'the last one counts')
  t.ok(notes.every(({ isWarning }) => isWarning))
  t.same(
    notes.map(({ fields }) => [fields['field'], fields['line'], fields['didYouMean']]),
    [
      ['mode', '8', undefined],
      ['portrange', '4', 'portRange'],
      ['iptables.syncperiod', '6', 'iptables.syncPeriod'],
      ['iptables.colour', '7', undefined],
      ['nothing', '9', undefined],
    ],
  )
  t.end()
})

t.test('all mistakes are reported together, with file, line and field', t => {
  const { problems } = read(
    'bindAddress: eth0\nclusterCIDR: [10.0.0.0/8]\niptables:\n  masqueradeBit: 32\n  syncPeriod: 30\nconntrack: 5\nnodePortAddresses: primary',
  )
  t.same(problems, [
    'c.conf:4: clusterCIDR ["10.0.0.0/8"]: expected text',
    'c.conf:8: conntrack 5: expected a map of fields',
    'c.conf:9: nodePortAddresses "primary": expected a list',
    'c.conf:3: bindAddress "eth0": expected an IP address such as 192.168.1.10',
    'c.conf:7: iptables.syncPeriod "30": expected a duration such as 250ms or 1m30s',
    'c.conf:6: iptables.masqueradeBit "32": must be from 0 to 31',
  ])
  t.end()
})

t.test('a message quotes only the start of a long value, and no control characters', t => {
  const [long, ...others] = read(`mode: ${'x'.repeat(5000)}`).problems
  t.match(long, /^c\.conf:3: mode "x{199}…: expected userspace, /)
  t.same(others, [])
  t.match(read('mode: "\\e[31mred\\x9b0m\\L"').problems, [/mode "\\u001b\[31mred\\u009b0m\\u2028": expected/])
  t.end()
})

t.test('a field that is there twice is reported at the line of the one that counts', t => {
  t.same(read('mode: iptables\nmode: ebpf').problems, [
    'c.conf:4: mode "ebpf": expected userspace, iptables, ipvs, or a list of them',
  ])
  t.end()
})

t.test('a value without effect must be one that kube-proxy accepts', t => {
  for (const [fields, problem] of [
    ['configSyncPeriod: -1s', 'configSyncPeriod "-1s": must be longer than 0'],
    ['configSyncPeriod: often', 'configSyncPeriod "often": expected a duration such as 250ms or 1m30s'],
    ['clientConnection: {burst: -4}', 'clientConnection.burst "-4": must be at least 0'],
    ['clientConnection: {qps: fast}', 'clientConnection.qps "fast": expected a number'],
    [
      'showHiddenMetricsForVersion: next',
      'showHiddenMetricsForVersion "next": expected a version of Kubernetes such as 1.35',
    ],
  ] as const)
    t.same(read(fields).problems, [`c.conf:3: ${problem}`], fields)
  for (const fields of [
    'configSyncPeriod: 0s',
    'clientConnection: {burst: 0, qps: -1}',
    'showHiddenMetricsForVersion: "1.35"',
  ])
    t.same(read(fields).problems, [], fields)
  t.end()
})

t.test('a check of two fields names the fields, not flags', t => {
  t.same(read('iptables: {syncPeriod: 1s, minSyncPeriod: 5s}').problems, [
    'c.conf:3: iptables.syncPeriod "1s": must be at least iptables.minSyncPeriod',
  ])
  t.same(read('detectLocalMode: BridgeInterface').problems, [
    'detectLocal.bridgeInterface "": expected 1 to 15 characters of an interface name; detectLocalMode BridgeInterface needs it',
  ])
  t.end()
})

t.test('what can be neither honoured nor ignored is refused', t => {
  t.match(read('iptables: {snatNodeInternalIP: true}').problems, [
    /^c\.conf:3: iptables\.snatNodeInternalIP true: cannot be honoured: /,
  ])
  t.same(read('iptables: {snatNodeInternalIP: false}').problems, [])
  t.match(read('windowsRunAsService: true').problems, [/Linux only/])
  t.match(read('mode: kernelspace').problems, [/c\.conf:3: mode "kernelspace": expected userspace, iptables/])
  t.end()
})

t.test('a file that is no configuration is one mistake', t => {
  const table: readonly (readonly [text: string, problem: RegExp])[] = [
    ['', /^c\.conf:1: the file is empty; expected one KubeProxyConfiguration/],
    ['\n# nothing\n---\n', /^c\.conf:1: the file is empty/],
    ['hello', /^c\.conf:1: "hello": expected a KubeProxyConfiguration/],
    ['- a', /^c\.conf:1: \["a"\]: expected a KubeProxyConfiguration/],
    ['a: [', /^c\.conf:\d+: not valid YAML: /],
    ['\tmode: x', /^c\.conf:1: not valid YAML: /],
    // The parser finds three mistakes here: the other two are consequences.
    [`${HEAD} mode: [`, /^c\.conf:2: not valid YAML: /],
    [`a: b\n${'\u00e9'.repeat(100_000)}`, /^c\.conf:2: not valid YAML: .{1,210}$/],
    [`${HEAD}mode: *nowhere`, /^c\.conf:3: the alias "nowhere" has no anchor before it/],
    [`${HEAD}---\n${HEAD}`, /^c\.conf:4: a second document begins here/],
    ['kind: KubeProxyConfiguration', /^c\.conf:1: apiVersion is absent: expected kubeproxy\.config\.k8s\.io\/v1alpha1/],
    [
      HEAD.replace('v1alpha1', 'v1beta1'),
      /^c\.conf:1: apiVersion "kubeproxy\.config\.k8s\.io\/v1beta1": expected .*v1alpha1/,
    ],
    [HEAD.replace('KubeProxy', 'Kubelet'), /^c\.conf:2: kind "KubeletConfiguration": expected KubeProxyConfiguration/],
  ]
  for (const [text, problem] of table) {
    const { problems } = parseConfigurationFile(text, 'c.conf')
    t.equal(problems.length, 1, JSON.stringify(problems))
    t.match(problems[0], problem, text)
  }
  t.end()
})

t.test('a byte order mark, CRLF, a JSON file, and an empty document beside the configuration do no harm', t => {
  for (const text of [
    `\uFEFF${HEAD}mode: iptables\n`,
    `${HEAD}mode: iptables\n`.replaceAll('\n', '\r\n'),
    `---\n${HEAD}mode: iptables\n---\n`,
    JSON.stringify(
      { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'iptables' },
      null,
      '\t',
    ),
  ]) {
    const { settings, problems } = parseConfigurationFile(text, 'c.conf')
    t.same(problems, [], text)
    t.equal(settings.get('proxy-mode')?.value, 'iptables', text)
  }
  t.equal(
    parseConfigurationFile(`${HEAD}\nmode: iptables`, 'c.conf').settings.get('proxy-mode')?.place,
    `c.conf:${HEAD_LINES + 2}: mode`,
  )
  t.end()
})

t.test('a path that is no regular file, or no text, is one failure that names it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  const binary = join(folder, 'binary')
  writeFileSync(binary, Buffer.concat([Buffer.from(HEAD), Buffer.from([0x6d, 0xff, 0x0a])]))
  const utf16 = join(folder, 'utf16')
  writeFileSync(utf16, HEAD, 'utf16le')
  const large = join(folder, 'large')
  writeFileSync(large, HEAD)
  truncateSync(large, 2 ** 21)
  for (const [path, reason] of [
    [folder, /it is a folder, expected a regular file/],
    [fifo, /it is a FIFO, expected a regular file/],
    [binary, /line 3 is not text, expected UTF-8/],
    [utf16, /line 1 is not text, expected UTF-8/],
    [large, /expected at most 1048576 bytes/],
    [join(folder, 'absent'), /ENOENT/],
  ] as const) {
    const failure: unknown = await readConfigurationFile(path).catch((error: unknown) => error)
    t.match(failure, { code: 'CONFIG_INVALID' }, path)
    t.ok(messageOf(failure).includes(`Cannot read the configuration file "${path}"`), messageOf(failure))
    t.match(messageOf(failure), reason)
  }
})

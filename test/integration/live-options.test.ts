import { once } from 'node:events'
import { cpus } from 'node:os'
import t, { type Test } from 'tap'
import { OPTIONS } from '../../lib/config/options.js'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { makeApiNode } from '../support/api/api-objects.js'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { ConfigMapVolume } from '../support/config/config-map-volume.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { workersOf } from '../support/processes/children-of.js'
import { PROXY_MODE } from '../support/processes/proxy-mode.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
/** Only Pods of this node reach its endpoint at the node port, since that is on another node. */
const LOCAL = { clusterIP: '10.96.0.11', port: 80, nodePort: 30081 }
/** Hosts of its source ranges reach it at its load-balancer IP. */
const RANGED = { clusterIP: '10.96.0.12', port: 80, nodePort: 30082 }
const SOURCE_RANGES = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] }
const BRIDGE_IP = '10.244.0.1'
/** The test waits longer than the shortest `healthzStaleTimeout`, and than a request that gets no response. */
const LOG_TIMEOUT_MS = 120_000 * TIMEOUT_FACTOR
/** More than machines have by default. */
const ENTRIES_PER_CPU = 1_000_000
const SYSCTLS = '/proc/sys/net/netfilter/nf_conntrack_'

type Fields = Readonly<Record<string, unknown>>

/** A change of one option, and how the running proxy shows that it uses the new value. */
interface LiveChange {
  readonly option: string
  /** The fields of the configuration file that change. */
  readonly fields: Fields
  /** Other options that these fields change. */
  readonly others?: readonly string[]
  /** The only mode in which this can be seen. */
  readonly only?: 'userspace' | 'iptables'
  shows(proxy: RunningProxy, from: number, t: Test): Promise<unknown>
}

/** A conntrack setting that the kernel lets every network namespace have for itself. */
const sysctl = (option: string, field: string, value: unknown, file: string, expected: string): LiveChange => ({
  option,
  fields: { conntrack: { [field]: value } },
  shows: async (proxy, from, t) => {
    await proxy.log.waitFor(new RegExp(`"Set conntrack" setting="nf_conntrack_${file}=${expected}"`), from)
    t.equal(await proxy.run('cat', `${SYSCTLS}${file}`), expected)
  },
})

/** The size of the table: only the first network namespace may write it, so the log says what the proxy wants. */
const tableSize = (option: string, field: string, value: number, size: number): LiveChange => ({
  option,
  fields: { conntrack: { [field]: value } },
  shows: (proxy, from) =>
    proxy.log.waitFor(new RegExp(`conntrack.* settings?="[^"]*nf_conntrack_max=${size}[ "]`), from),
})

/** Whether Pods are recognised as Pods: then they reach the Service with `externalTrafficPolicy: Local`. */
const localTraffic = (option: string, fields: Fields, answer: string, others: readonly string[] = []): LiveChange => ({
  option,
  fields,
  others,
  shows: async (proxy, from, t) => {
    await proxy.log.waitFor(/Synced rules" family="IPv4" changed=true/, from)
    t.equal(await proxy.pod.tcpExpectingTimeout(NODE_IP, LOCAL.nodePort), answer)
  },
})

const LIVE_CHANGES: readonly LiveChange[] = [
  tableSize('conntrack-max-per-core', 'maxPerCore', ENTRIES_PER_CPU, ENTRIES_PER_CPU * cpus().length),
  tableSize('conntrack-min', 'min', ENTRIES_PER_CPU * cpus().length + 7, ENTRIES_PER_CPU * cpus().length + 7),
  sysctl('conntrack-tcp-timeout-established', 'tcpEstablishedTimeout', '71s', 'tcp_timeout_established', '71'),
  sysctl('conntrack-tcp-timeout-close-wait', 'tcpCloseWaitTimeout', '72s', 'tcp_timeout_close_wait', '72'),
  sysctl('conntrack-tcp-be-liberal', 'tcpBeLiberal', true, 'tcp_be_liberal', '1'),
  sysctl('conntrack-udp-timeout', 'udpTimeout', '73s', 'udp_timeout', '73'),
  sysctl('conntrack-udp-timeout-stream', 'udpStreamTimeout', '74s', 'udp_timeout_stream', '74'),
  {
    // A gate that has a meaning here is always on: there is nothing else to see.
    option: 'feature-gates',
    fields: { featureGates: { FeatureOfTheTest: true } },
    shows: (proxy, from) => proxy.log.waitFor(/Feature gates without effect.* gates="FeatureOfTheTest=true"/, from),
  },
  localTraffic('cluster-cidr', { clusterCIDR: '10.244.0.0/16' }, 'a'),
  localTraffic('detect-local-mode', { detectLocalMode: 'BridgeInterface' }, 'no answer'),
  localTraffic('pod-bridge-interface', { detectLocal: { bridgeInterface: 'cni0' } }, 'a'),
  localTraffic(
    'pod-interface-name-prefix',
    { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'elsewhere' } },
    'no answer',
    ['detect-local-mode'],
  ),
  {
    option: 'iptables-localhost-nodeports',
    fields: { iptables: { localhostNodePorts: false } },
    shows: async (proxy, _, t) => {
      const ask = () => proxy.node.tcp('127.0.0.1', WEB.nodePort)
      await waitUntil(async () => (await ask()) !== 'a', 'loopback no longer serves node ports')
      // The proxy still holds the number.
      t.match(await ask(), /^ECONN(REFUSED|RESET)$/)
      t.equal(await proxy.node.tcp(NODE_IP, WEB.nodePort), 'a')
    },
  },
  {
    option: 'nodeport-addresses',
    fields: { nodePortAddresses: ['primary'] },
    shows: async (proxy, _from, t) => {
      const isRefused = async () => (await proxy.pod.tcp(BRIDGE_IP, WEB.nodePort)) === 'ECONNREFUSED'
      await waitUntil(isRefused, 'the address of the bridge no longer serves')
      t.equal(await proxy.pod.tcp(NODE_IP, WEB.nodePort), 'a')
    },
  },
  {
    option: 'source-ranges-at-nodeports',
    fields: { userspace: { sourceRangesAtNodePorts: true } },
    shows: async (proxy, _from, t) => {
      const ask = () => proxy.pod.tcpExpectingTimeout(NODE_IP, RANGED.nodePort)
      await waitUntil(async () => (await ask()) === 'no answer', 'the Pod is in no source range')
      t.equal(await proxy.pod.tcp(RANGED.clusterIP, RANGED.port), 'a')
    },
  },
  {
    option: 'metrics-bind-address',
    fields: { metricsBindAddress: '127.0.0.1:9249' },
    shows: async (proxy, from, t) => {
      await proxy.log.waitFor(/Serving metrics over HTTP" address="127\.0\.0\.1:9249"/, from)
      t.equal(await proxy.status('127.0.0.1:9249/metrics'), '200')
      t.equal(await proxy.status('127.0.0.1:10249/metrics'), 'ECONNREFUSED')
    },
  },
  {
    option: 'healthz-bind-address',
    fields: { healthzBindAddress: '127.0.0.1:9256' },
    shows: async (proxy, from, t) => {
      await proxy.log.waitFor(/"Serving [^"]*health[^"]*" address="127\.0\.0\.1:9256"/, from)
      t.match(await proxy.status('127.0.0.1:9256/livez'), '200')
      t.equal(await proxy.status('127.0.0.1:10256/livez'), 'ECONNREFUSED')
    },
  },
  {
    // The workers log each connection at level 3.
    option: 'v',
    only: 'userspace',
    fields: { logging: { verbosity: 3 } },
    shows: (proxy, from) =>
      // The log says that the configuration has changed before the workers know.
      waitUntil(async () => {
        await proxy.pod.tcp(WEB.clusterIP, WEB.port)
        return proxy.log.lines.slice(from).some(line => line.includes('"Connect'))
      }, 'a worker logs a connection'),
  },
  {
    // There are no workers. Rules that another program removes are written again, and logged at level 5.
    option: 'v',
    only: 'iptables',
    fields: { logging: { verbosity: 5 } },
    shows: async (proxy, from) => {
      await proxy.run('iptables', '-t', 'nat', '-F', 'KUBE-SERVICES')
      await proxy.log.waitFor(/"Restoring iptables rules" family="IPv4"/, from)
      const isServed = async () => (await proxy.pod.tcp(WEB.clusterIP, WEB.port)) === 'a'
      await waitUntil(isServed, 'the rules are back')
    },
  },
  {
    // The API server has been silent since the start of the test.
    option: 'healthz-stale-timeout',
    fields: { userspace: { healthzStaleTimeout: '1m' } },
    shows: (proxy, from) =>
      proxy.log.waitFor(/The proxy is not healthy.*the API server has not confirmed .* for 60 s"/, from),
  },
  {
    // This ends the proxy, so it is the last one. Without listeners there is nothing to drain.
    option: 'drain-timeout',
    only: 'userspace',
    fields: { userspace: { drainTimeout: '9m' } },
    shows: async (proxy, from, t) => {
      const connection = proxy.connect()
      t.equal(await connection.send('echo'), 'echo')
      const [worker] = workersOf(proxy.pid)
      process.kill(proxy.pid, 'SIGTERM')
      await proxy.log.waitFor(/accepting new connections until the open ones have ended" seconds=540/, from)
      process.kill(proxy.pid, 'SIGKILL')
      await proxy.workerLog(/The control process has exited; this data-plane worker keeps serving/)
      process.kill(worker!, 'SIGTERM')
      await proxy.workerLog(/Draining a data-plane worker without control process" seconds=540/)
    },
  },
]

/** The proxy that every change is made to, and who looks at it. */
interface RunningProxy {
  readonly pid: number
  readonly log: ProgramLog
  /** Clients in a Pod and on the node. */
  readonly pod: NetworkClient
  readonly node: NetworkClient
  /** A connection from the Pod to the Service. */
  connect(): PersistentConnection
  /** A line of a worker, also when the control process has exited. */
  workerLog(pattern: RegExp): Promise<unknown>
  /** What a program on the node prints. */
  run(program: string, ...args: string[]): Promise<string>
  /** The status of a response to the node, or the code of the error. */
  status(url: string): Promise<string>
}

/** Puts fields into a configuration, in its sections too. */
function withFields(configuration: Fields, fields: Fields): Fields {
  const isSection = (value: unknown): value is Fields =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const merged = Object.entries(fields).map(([name, value]) => {
    const before = configuration[name]
    return [name, isSection(value) && isSection(before) ? withFields(before, value) : value]
  })
  return { ...configuration, ...(Object.fromEntries(merged) as Fields) }
}

const FIRST_CONFIGURATION: Fields = {
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: PROXY_MODE,
  logging: { verbosity: 2 },
  clusterCIDR: '10.99.0.0/16',
  detectLocal: { bridgeInterface: 'elsewhere', interfaceNamePrefix: 'cni' },
  userspace: { dataPlaneWorkers: 1, healthzStaleTimeout: '24h', onExit: 'keep' },
}

t.test('each option that can change in a running proxy has a row in this table', t => {
  const live = OPTIONS.filter(({ isLive }) => isLive === true).map(({ name }) => name)
  t.strictSame([...new Set(LIVE_CHANGES.map(({ option }) => option))].sort(), live.sort())
  t.end()
})

t.test(
  `a running proxy in ${PROXY_MODE} mode uses the new value of each option that can change`,
  { skip: namespacesUnavailable, timeout: 4 * LOG_TIMEOUT_MS },
  async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const { namespace } = await network.addPod()
    const api = new NodeProcess(network, 'api/api-server-entry')
    await api.readLine()
    const local = makeServiceManifest('local', LOCAL) as { spec: object }
    const ranged = makeServiceManifest('ranged', RANGED) as { spec: object }
    const { relayUrl } = JSON.parse(
      await api.sendCommand({
        put: [
          ['nodes', makeApiNode('node-1')],
          ['services', makeServiceManifest('web', WEB)],
          ['endpointslices', makeSliceManifest('web', [server.ip], 8080)],
          ['services', { ...local, spec: { ...local.spec, externalTrafficPolicy: 'Local' } }],
          ['endpointslices', makeSliceManifest('local', [server.ip], 8080)],
          ['services', { ...ranged, spec: { ...ranged.spec, ...SOURCE_RANGES } }],
          ['endpointslices', makeSliceManifest('ranged', [server.ip], 8080)],
        ],
        relay: 'forwarding',
      }),
    ) as { relayUrl: string }

    const volume = new ConfigMapVolume(t, 'config.conf')
    let configuration = FIRST_CONFIGURATION
    volume.write(JSON.stringify(configuration))
    const flags = [`--config=${volume.path}`, `--master=${relayUrl}`, '--hostname-override=node-1']
    const child = network.start(network.node, process.execPath, [PROXY_PROGRAM, ...flags])
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    const ended = once(child, 'exit')
    const proxy: RunningProxy = {
      pid: child.pid!,
      log,
      pod: new NetworkClient(network, namespace),
      node: new NetworkClient(network, network.node),
      connect: () => new PersistentConnection(network, namespace, WEB.clusterIP, WEB.port),
      workerLog: async pattern => {
        await ended
        while (!log.lines.some(line => pattern.test(line))) await once(child.stderr!, 'data')
      },
      run: async (program, ...args) => (await network.node.run(program, args)).stdout.trim(),
      status: async url => {
        const program = `fetch('http://${url}').then(r => console.log(r.status), error => console.log(error.cause.code))`
        return (await network.node.run(process.execPath, ['-e', program])).stdout.trim()
      },
    }
    await log.waitFor(/Synced rules" family="IPv4"/)
    t.equal(await proxy.pod.tcp(NODE_IP, WEB.nodePort), 'a')
    t.equal(await proxy.pod.tcp(BRIDGE_IP, WEB.nodePort), 'a')
    t.equal(await proxy.node.tcp('127.0.0.1', WEB.nodePort), 'a')
    t.equal(await proxy.pod.tcpExpectingTimeout(NODE_IP, LOCAL.nodePort), 'no answer')
    t.equal(await proxy.pod.tcp(NODE_IP, RANGED.nodePort), 'a')
    await api.sendCommand({ relay: 'silent' })

    const rows = LIVE_CHANGES.filter(({ only = PROXY_MODE }) => only === PROXY_MODE)
    for (const { option, fields, others = [], shows } of rows)
      await t.test(option, async t => {
        configuration = withFields(configuration, fields)
        const from = log.lines.length
        volume.write(JSON.stringify(configuration))
        const changed = await log.waitFor(/"Configuration changed"/, from)
        t.strictSame(/ options="([^"]*)"/.exec(changed)?.[1]?.split(' ').sort(), [option, ...others].sort())
        await shows(proxy, from, t)
      })
  },
)

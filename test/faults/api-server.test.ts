import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ApiNode } from '../support/faults/api-node.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { makeCertificate } from '../support/processes/installed-proxy.js'

const testFault = faultsOf('API server')
const skip = namespacesUnavailable
const CHANGE_TAKES_EFFECT = 'a change takes effect that was made meanwhile'
const FAULT_MS = 3000
/** The proxy checks its rules during the fault, and logs that. */
const CHECKS_RULES = ['--iptables-sync-period=1s', '-v=4']
const RULES_CHECKED = /Synced rules" family="IPv4" changed=false/

/** A fault of an API server: how it begins and ends. */
interface ApiFault {
  readonly begin: (cluster: ApiNode) => Promise<unknown>
  readonly end: (cluster: ApiNode) => Promise<unknown>
  readonly ms?: number
  readonly start?: () => Promise<ApiNode>
}

// They wait most of the time.
t.jobs = 2

/** Changes the endpoints during the fault, when the proxy cannot learn of it. */
async function measure(
  t: Test,
  fault: FaultMeasurement,
  { begin, end, ms = FAULT_MS, start }: ApiFault,
): Promise<void> {
  const cluster = await (start?.() ?? ApiNode.start(t))
  const { node, proxy } = cluster
  const traffic = await node.startTraffic()
  fault.start()
  await begin(cluster)
  await cluster.moveEndpoints()
  await delay(ms)
  t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), 'a', 'the proxy cannot know of the change')
  await end(cluster)
  fault.end()
  await fault.measureRecovery(CHANGE_TAKES_EFFECT, () => cluster.node.waitForPod('b'))
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

/** The same in iptables mode, where only the rules of the proxy serve. It makes sure of them before the fault ends. */
function measureInIptablesMode(t: Test, fault: FaultMeasurement, { begin, end }: ApiFault): Promise<void> {
  return measure(t, fault, {
    start: () => ApiNode.start(t, { mode: 'iptables', sourceFlags: url => ['--master', url, ...CHECKS_RULES] }),
    begin,
    end: async cluster => {
      const { proxy } = cluster
      await proxy.waitForLine(RULES_CHECKED, proxy.lines.length)
      await end(cluster)
    },
  })
}

/** The server sends this response to every request, after it has ended all watches. */
const refusing = (refuse: object): ApiFault => ({
  begin: async ({ api }) => api.sendCommand({ refuse, closeWatches: true }),
  end: async ({ api }) => api.sendCommand({ refuse: null }),
})

const AWAY: ApiFault = {
  begin: ({ api }) => api.sendCommand({ listen: false }),
  end: ({ api }) => api.sendCommand({ listen: true }),
}

const EXPIRED: ApiFault = {
  begin: ({ api }) => api.sendCommand({ refuse: { status: 410 }, expire: true }),
  end: ({ api }) => api.sendCommand({ refuse: null }),
}

const BROKEN_JSON: ApiFault = {
  begin: ({ api }) =>
    api.sendCommand({ sendRaw: '{"type":"ADDED","object":{\n', refuse: { status: 200, body: '{"items":[{' } }),
  end: ({ api }) => api.sendCommand({ refuse: null, closeWatches: true }),
}

testFault(
  {
    fault: 'It resets all connections and is away for 2 minutes (userspace mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measure(t, fault, { ...AWAY, ms: 120_000 }),
)

testFault(
  {
    fault: 'It resets all connections and is away for 3 s (iptables mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measureInIptablesMode(t, fault, AWAY),
)

testFault(
  {
    fault: 'It ends all watches and answers 410 (Expired) for 3 s (userspace mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measure(t, fault, EXPIRED),
)

testFault(
  {
    fault: 'It ends all watches and answers 410 (Expired) for 3 s (iptables mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measureInIptablesMode(t, fault, EXPIRED),
)

testFault(
  {
    fault: 'It answers 429 (Too Many Requests) with Retry-After for 3 s',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measure(t, fault, refusing({ status: 429, headers: { 'Retry-After': '2' } })),
)

testFault(
  { fault: 'It answers 500 for 3 s', promise: 'All Services are served from the last known state.', skip },
  (t, fault) => measure(t, fault, refusing({ status: 500 })),
)

testFault(
  {
    fault: 'It answers with broken JSON, on watches and to lists, for 3 s (userspace mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measure(t, fault, BROKEN_JSON),
)

testFault(
  {
    fault: 'It answers with broken JSON, on watches and to lists, for 3 s (iptables mode)',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) => measureInIptablesMode(t, fault, BROKEN_JSON),
)

testFault(
  {
    fault: 'Each response comes 5 s late, after all watches have ended',
    promise: 'All Services are served from the last known state.',
    skip,
  },
  (t, fault) =>
    measure(t, fault, {
      begin: ({ api }) => api.sendCommand({ delayMs: 5000, closeWatches: true }),
      end: ({ api }) => api.sendCommand({ delayMs: 0 }),
    }),
)

testFault(
  {
    fault: 'It no longer accepts the token (401), until the kubelet writes a new one to disk 3 s later',
    promise: 'All Services are served from the last known state. The new token is used without a restart.',
    skip,
  },
  async (t, fault) => {
    const { key, certificate } = makeCertificate(t)
    const folder = t.testdir({ token: 'first' })
    const kubeconfig = join(folder, 'kubeconfig')
    const writeToken = (token: string) => writeFileSync(join(folder, 'token'), token)
    await measure(t, fault, {
      start: () =>
        ApiNode.start(t, {
          sourceFlags: url => {
            writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(url, certificate)))
            return ['--kubeconfig', kubeconfig]
          },
          serverArgs: ['0', key, certificate, 'first'],
        }),
      begin: ({ api }) => api.sendCommand({ token: 'second', closeWatches: true }),
      end: async () => Promise.resolve(writeToken('second')),
    })
  },
)

testFault(
  {
    fault: 'It ends all watches at once, ten times a second for 3 s',
    promise: 'All Services are served, and the proxy follows changes.',
    skip,
  },
  async (t, fault) => {
    const cluster = await ApiNode.start(t)
    const { api, node, proxy } = cluster
    const traffic = await node.startTraffic()
    fault.start()
    for (let n = 0; n < 30; n++) {
      await api.sendCommand({ closeWatches: true })
      await delay(100)
    }
    await cluster.moveEndpoints()
    await api.sendCommand({ closeWatches: true })
    fault.end()
    await fault.measureRecovery('a change takes effect that was made just before the last end', () =>
      cluster.node.waitForPod('b'),
    )
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

testFault(
  {
    fault: 'It sends a Service and an EndpointSlice of a million bytes each',
    promise: 'All Services are served, and the proxy follows changes.',
    skip,
  },
  async (t, fault) => {
    const cluster = await ApiNode.start(t)
    const { api, node, proxy } = cluster
    const traffic = await node.startTraffic()
    const annotations = { text: 'x'.repeat(1_000_000) }
    const metadata = { name: 'large', namespace: 'default', annotations }
    fault.start()
    await api.sendCommand({
      put: [
        ['services', { metadata, spec: { clusterIP: '10.96.0.77', ports: [{ port: 80 }] } }],
        ['endpointslices', { metadata, addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [] }],
      ],
    })
    await cluster.moveEndpoints()
    await fault.measureRecovery('a change takes effect that came just after them', () => cluster.node.waitForPod('b'))
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/large/)
    await delay(2000)
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

function kubeconfigFor(server: string, certificate: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': certificate } }],
    users: [{ name: 'test', user: { tokenFile: 'token' } }],
  }
}

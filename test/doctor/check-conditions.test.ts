import t from 'tap'
import { decodePod } from '../../lib/doctor/decode-pod.js'
import { decodeSpec } from '../../lib/doctor/decode-spec.js'
import { diagnose } from '../../lib/doctor/diagnose.js'
import { type ObjectFacts } from '../../lib/doctor/doctor-facts.js'
import { seen } from '../../lib/doctor/seen.js'
import { endpointVerdict } from '../../lib/snapshot/endpoint-verdict.js'
import { OVERVIEW, makeEndpointView, makeFacts, makeServiceView, makeWalk } from '../support/doctor/make-facts.js'

type Facts = Parameters<typeof makeFacts>[0]
interface PodParts {
  readonly isReady?: boolean
  readonly phase?: string
  readonly isTerminating?: boolean
  readonly ports?: readonly object[]
}

const report = (facts: Facts) => diagnose(makeFacts(facts), '1')
const codesOf = (facts: Facts): string[] => report(facts).findings.map(({ code }) => code)
const proofOf = (facts: Facts): string =>
  report(facts)
    .findings.flatMap(({ proof }) => proof)
    .join('\n')

const podOf = ({ isReady = true, phase = 'Running', isTerminating = false, ports = [] }: PodParts) =>
  decodePod({
    metadata: { name: 'web-1', ...(isTerminating && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { containers: [{ ports }] },
    status: { phase, podIP: '10.244.0.9', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  })

/** Facts of a Service with these Pods behind its selector. */
const withPods = (pods: readonly PodParts[], ports: readonly object[] = [{ name: 'http', port: 80 }]): Facts => ({
  objects: seen<ObjectFacts>({
    ...{ origin: 'The API server', isFromFiles: false, existing: [], ports: [] },
    endpoints: [makeEndpointView('10.244.0.2:8080'), makeEndpointView('10.244.0.3:8080')],
    pods: seen({ matching: pods.map(podOf), others: [] }),
    service: decodeSpec({
      metadata: { namespace: 'default', name: 'web' },
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', selector: { app: 'web' }, ports },
    }),
  }),
})

t.test('a Pod that has ended, or is about to, does not have to be ready', t => {
  t.strictSame(codesOf(withPods([{ isReady: false }])), ['pods-not-ready'])
  t.strictSame(codesOf(withPods([{}, { isReady: false, isTerminating: true }])), [])
  for (const phase of ['Succeeded', 'Failed'])
    t.strictSame(codesOf(withPods([{}, { isReady: false, phase }])), [], phase)
  t.strictSame(codesOf(withPods([{}, { isReady: false, phase: 'Pending' }])), ['pods-not-ready'])
  t.end()
})

t.test('the name of a targetPort is missing only if no Pod has it, with its protocol', t => {
  const target = [{ name: 'http', port: 80, targetPort: 'web' }]
  const has = { ports: [{ name: 'web', containerPort: 8080 }] }
  t.strictSame(codesOf(withPods([{}, has], target)), [], 'one of two Pods has it, as in a rolling update')
  t.strictSame(codesOf(withPods([{}, {}], target)), ['port-name-mismatch'])
  const udp = { ports: [{ name: 'web', containerPort: 8080, protocol: 'UDP' }] }
  t.strictSame(codesOf(withPods([udp], target)), ['port-name-mismatch'])
  t.end()
})

t.test('a slice without the port matters only where no other one has it', t => {
  const lost = makeEndpointView('10.244.0.4:8080', { cluster: endpointVerdict('no-such-port') })
  const used = makeEndpointView('10.244.0.2:8080')
  t.strictSame(codesOf({ endpoints: [used, lost] }), [])
  const none = { all: 1, cluster: 0, local: 0 }
  t.strictSame(codesOf({ endpoints: [lost], ports: [makeServiceView({ endpoints: none })] }), ['port-name-mismatch'])
  t.end()
})

t.test('endpoints that fail leave no way if all do: then they come before a node port that one address lacks', t => {
  const walk = { kind: 'node port', from: 'outside', port: 30_080, address: '192.168.50.1' } as const
  const lost = makeWalk({ ...walk, isMain: true, outcome: { kind: 'untranslated' } })
  const codes = (outcome: 'failed' | 'connected') =>
    codesOf({
      ports: [makeServiceView({ nodePort: 30_080 })],
      kernel: { walks: [lost, makeWalk({ ...walk, address: '192.168.51.1', isMain: false })] },
      probes: [
        { address: '10.244.0.2:8080', outcome: 'failed', code: 'EHOSTUNREACH' },
        { address: '10.244.0.3:8080', outcome, code: '' },
      ],
    })
  t.strictSame(codes('failed'), ['endpoint-silent', 'node-port-not-here'])
  t.strictSame(codes('connected'), ['node-port-not-here', 'endpoint-silent'])
  t.end()
})

t.test('the last sync of the rules must not have failed', t => {
  const sync = { id: 1, at: '2026-01-01T00:00:00Z', family: 'IPv4', durationMs: null, extent: 'full', changes: [] }
  const after = (outcome: 'done' | 'failed'): Facts => ({
    proxy: { overview: { ...OVERVIEW, lastSync: { ...sync, outcome } as unknown as (typeof OVERVIEW)['lastSync'] } },
  })
  t.strictSame(codesOf(after('done')), [])
  t.strictSame(codesOf(after('failed')), ['proxy-unhealthy'])
  t.match(proofOf(after('failed')), /the sync of IPv4 rules at 2026-01-01T00:00:00Z failed/)
  t.end()
})

t.test('session affinity of the kernel pins clients only if it knows one client alone', t => {
  const ports = [makeServiceView({ affinitySeconds: 10_800 })]
  const remarks = (...clients: readonly string[]) => {
    const affinity = [{ portName: 'http', endpoint: '10.244.0.2:8080', clients, connections: 50 }]
    return report({ ports, kernel: { affinity } }).remarks.map(({ code }) => code)
  }
  t.strictSame(remarks('10.244.0.9'), ['affinity-pins'])
  t.strictSame(remarks('10.244.0.9', '10.244.0.10'), [])
  t.end()
})

t.test('policy Local is fine where this node has an endpoint', t => {
  const fine = (local: number) =>
    report({
      ports: [makeServiceView({ internalTrafficPolicy: 'Local', endpoints: { all: 2, cluster: 2, local } })],
    }).fine.filter(({ text }) => text.includes('endpoints of its own'))
  t.equal(fine(1).length, 1)
  t.equal(fine(0).length, 0)
  t.end()
})

t.test('a client whom no own rule stops is not outside of source ranges that are not known', t => {
  const actions = { fromNode: 'cluster', fromPods: 'cluster', fromExternal: 'cluster-firewalled' } as const
  const kind = 'load-balancer IP' as const
  const frontend = { kind, address: '198.51.100.7', port: 80, isServed: true, why: null, actions }
  const rule = { table: 'filter', chain: 'KUBE-PROXY-FIREWALL', position: 1, rule: '-j DROP', packets: 0 } as const
  const said = (outcome: Parameters<typeof makeWalk>[0]) =>
    codesOf({
      client: '203.0.113.9',
      ports: [makeServiceView({ frontends: [frontend] })],
      kernel: { walks: [makeWalk({ kind, from: 'outside', isLimited: true, ...outcome })] },
    })
  const stopped = (isOwn: boolean) =>
    ({ kind: 'stopped', how: 'dropped', isOwn, rule: { ...rule, sentence: 'Dropped.', isForAll: false } }) as const
  t.strictSame(said({}), [])
  t.strictSame(said({ outcome: stopped(true) }), ['source-ranges'])
  t.strictSame(said({ outcome: stopped(false) }), ['firewall-drops'], 'it is a rule of another program')
  t.end()
})

import t from 'tap'
import { FrontendTable } from '../../lib/frontends/frontend-table.js'
import { LocalAddresses } from '../../lib/model/local-addresses.js'
import { type ObjectKind } from '../../lib/model/objects.js'
import { EMPTY_SNAPSHOT, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { makeApiEndpoint, makeApiNode, makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { mutateValue } from '../support/checks/mutate-value.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3000)
const SEED = testSeed()
const SCOPE = { nodeName: 'node-a', families: ['IPv4', 'IPv6'] as const, rangesAtNodePorts: true }
const LOCAL_ADDRESSES = new LocalAddresses(['192.168.50.1'])

/** Objects with as many fields as the proxy reads; each kind's own name is `fuzzed`. */
const FUZZED: readonly (readonly [ObjectKind, unknown])[] = [
  [
    'Service',
    makeApiService({
      name: 'fuzzed',
      clusterIP: '10.96.0.20',
      annotations: { 'service.kubernetes.io/topology-mode': 'Auto' },
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.20', 'fd00::20'],
        ports: [
          { name: 'a', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30_080 },
          { name: 'b', protocol: 'UDP', port: 53, targetPort: 'dns', nodePort: 30_053 },
        ],
        externalIPs: ['203.0.113.7'],
        loadBalancerSourceRanges: ['198.51.100.0/24'],
        externalTrafficPolicy: 'Local',
        internalTrafficPolicy: 'Cluster',
        healthCheckNodePort: 32_000,
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        trafficDistribution: 'PreferClose',
      },
    }),
  ],
  [
    'EndpointSlice',
    makeApiSlice({
      name: 'fuzzed-1',
      service: 'fuzzed',
      ports: [
        { name: 'a', protocol: 'TCP', port: 8080 },
        { name: 'b', protocol: 'UDP', port: 53 },
      ],
      endpoints: [
        makeApiEndpoint('10.244.0.8', {
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'node-a',
          zone: 'z',
          hints: { forZones: [{ name: 'z' }] },
          targetRef: { kind: 'Pod', namespace: 'default', name: 'a' },
        }),
        makeApiEndpoint('10.244.0.9'),
      ],
      triggerTime: '2026-01-02T03:04:05Z',
    }),
  ],
  ['Node', makeApiNode('node-a', { zone: 'z' })],
]

const GOOD: readonly (readonly [ObjectKind, unknown])[] = [
  ['Service', makeApiService({ name: 'good' })],
  ['EndpointSlice', makeApiSlice({ name: 'good-1', service: 'good' })],
]

/** A store with a good Service and the objects to be fuzzed, and the snapshot that follows from it. */
class FuzzedStore {
  readonly #store = new ObjectStore(SCOPE.nodeName)
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT

  /** Takes one object, as from a watch. */
  put(kind: ObjectKind, raw: unknown): void {
    this.#store.upsert(kind, raw)
    this.#update()
  }

  /** Takes the complete list of right objects. */
  list(kind: ObjectKind): void {
    const raws = [...GOOD, ...FUZZED].filter(([each]) => each === kind).map(([, raw]) => raw)
    this.#store.replace(kind, raws)
    this.#update()
  }

  /** The service ports of a Service and their endpoints, as text. */
  served(name: string): string {
    return [...this.#snapshot.ports]
      .filter(([key]) => key.includes(`/${name}:`))
      .map(([key, port]) => JSON.stringify([key, port]))
      .sort()
      .join('\n')
  }

  #update(): void {
    this.#snapshot = buildSnapshot(this.#store, this.#store.takeChanges(), SCOPE, this.#snapshot)
    new FrontendTable(() => LOCAL_ADDRESSES).resolve(this.#snapshot)
  }
}

t.test(`An object with wrong fields harms no other, and its next good version counts (SEED=${SEED})`, t => {
  const random = seededRandom(SEED)
  const store = new FuzzedStore()
  for (const kind of ['Service', 'EndpointSlice', 'Node'] as const) store.list(kind)
  const good = store.served('good')
  const fuzzed = store.served('fuzzed')
  t.equal(fuzzed.split('\n').length, 4, 'two ports in two families')
  for (let run = 0; run < RUNS; run++) {
    const [kind, raw] = FUZZED[run % FUZZED.length]!
    const wrong = mutateValue(raw, random)
    try {
      store.put(kind, wrong)
      if (belongsTo(wrong) !== 'good' && store.served('good') !== good) throw new Error('another Service has changed')
      // With another name it is another object, which stays until the next list.
      if (keyOf(wrong) === keyOf(raw)) store.put(kind, raw)
      else store.list(kind)
      if (store.served('fuzzed') !== fuzzed) throw new Error('the next good version does not count')
    } catch (error) {
      t.fail(`${String(error)}: ${JSON.stringify(wrong)}`)
      break
    }
  }
  t.same(Object.keys(Object.prototype), [], 'no object adds to the prototype of objects')
  t.end()
})

type Named = { metadata?: { name?: unknown; namespace?: unknown; labels?: Record<string, unknown> } } | null

function keyOf(raw: unknown): string {
  const metadata = (raw as Named)?.metadata
  return JSON.stringify([metadata?.namespace, metadata?.name])
}

/** The name of the Service that an object is or belongs to. */
function belongsTo(raw: unknown): unknown {
  const metadata = (raw as Named)?.metadata
  return metadata?.labels?.['kubernetes.io/service-name'] ?? metadata?.name
}

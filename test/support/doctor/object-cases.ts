import { decodePod } from '../../../lib/doctor/decode-pod.js'
import { type DoctorFacts } from '../../../lib/doctor/doctor-facts.js'
import { seen, unseen } from '../../../lib/doctor/seen.js'
import { type EndpointReason } from '../../../lib/model/endpoint-reason.js'
import { endpointVerdict } from '../../../lib/snapshot/endpoint-verdict.js'
import { MODE_CANNOT_SERVE } from '../../../lib/status/service-view.js'
import { type CaseFacts, MANY, frontend, onPort } from './case-facts.js'
import { makeEndpointView, makeServiceView } from './make-facts.js'
import { objectsOf } from './objects-of.js'

const NONE = { all: 0, cluster: 0, local: 0 }
const REASONS: Readonly<Record<EndpointReason, string>> = {
  ...{ ready: '', 'last-resort': '', 'not-ready': '', terminating: '', 'not-serving': '', 'not-on-this-node': '' },
  ...{ 'other-node': 'node "node-2"', 'other-zone': 'zone "b", "c"', 'no-such-traffic': '', duplicate: 'web-2' },
  ...{ 'no-such-port': 'port "http" of protocol TCP', 'refused-address': '"x"', 'node-address': '' },
  'service-address': 'default/other',
}
const pod = (more: { name?: string; labels?: object; ports?: object[]; status?: object } = {}) =>
  decodePod({
    metadata: { name: more.name ?? 'web-1', namespace: 'default', labels: more.labels ?? { app: 'web' } },
    spec: { containers: [{ ports: more.ports ?? [] }] },
    status: more.status ?? { conditions: [{ type: 'Ready', status: 'True' }] },
  })
const withPods = (
  matching: ReturnType<typeof pod>[],
  others: ReturnType<typeof pod>[] = [],
  spec: object = {},
): CaseFacts => ({
  objects: objectsOf({ spec: { selector: { app: 'web' }, ...spec } }, { pods: seen({ matching, others }) }),
})

/** What there is of the Service itself. */
export function* objectCases(): Generator<CaseFacts> {
  yield {}
  yield { objects: objectsOf({}) }
  yield { objects: objectsOf({}, { isFromFiles: true, service: undefined, origin: 'The manifest a.yaml, b.yaml' }) }
  for (const existing of [[], [{ namespace: 'default', name: 'wep' }], [{ namespace: 'shop', name: 'web' }]])
    yield { objects: objectsOf({}, { service: undefined, existing, origin: 'The API server https://10.0.0.1:6443' }) }
  yield { proxy: undefined }
  yield { proxy: undefined, ports: [], endpoints: [] }
  yield { proxy: undefined, kernel: undefined }
  yield { proxy: undefined, kernel: { carriedBy: 'sockets', mode: 'userspace' } }
  const missing = 'it serves no Service: there is none, or it has not read the objects yet'
  yield { proxy: { missing }, ports: [], endpoints: [] }
  yield { proxy: { missing }, objects: objectsOf({}) }
  yield { wantsObjects: true }
  const without = { ports: [], endpoints: [], proxy: { missing }, kernel: { walks: [] } }
  for (const service of [
    { spec: { clusterIP: 'None' } },
    { spec: { clusterIP: 'None', ports: [] } },
    { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: '' } },
    { spec: { clusterIP: '' } },
    { metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'a' } } },
    { metadata: { labels: { 'service.kubernetes.io/headless': '' } } },
  ])
    yield { ...without, objects: objectsOf(service, { endpoints: [] }) }
  const lost = frontend({ isServed: false, actions: null, why: MODE_CANNOT_SERVE })
  yield onPort({ frontends: [lost] })
  const kinds = ['cluster IP', 'external IP', 'load-balancer IP'] as const
  const reason = 'a cluster IP goes before an external IP (cluster IP of Service default/other)'
  yield onPort({ frontends: kinds.map(kind => ({ ...lost, kind, why: reason })) })
  yield onPort({ frontends: [{ ...lost, kind: 'node port', address: null, port: 30_080, why: reason }] })
  yield onPort({ frontends: MANY.map((_, index) => ({ ...lost, address: `10.96.0.${index + 1}` })) })
}

/** What there is of Pods and endpoints. */
export function* endpointCases(): Generator<CaseFacts> {
  yield withPods([pod()])
  yield withPods([pod(), pod({ name: 'web-2' })])
  yield withPods([])
  const misspelt = pod({ labels: { app: 'frontedn' } })
  yield withPods([], [misspelt, pod({ name: 'other', labels: {} })], { selector: { app: 'frontend' } })
  yield withPods(
    [],
    Array.from({ length: 9 }, (_, index) => pod({ name: `web-${index}`, labels: { app: `x${index}` } })),
  )
  for (const why of ['the Service has no selector', 'the Service cannot be read', 'the manifests have no Pod'])
    yield { objects: objectsOf({ spec: { selector: { app: 'web' } } }, { pods: unseen(why) }) }
  const unready = { phase: 'Pending', podIP: '10.244.0.7', conditions: [{ type: 'Ready', status: 'False' }] }
  const waiting = [{ name: 'web', state: { waiting: { reason: 'ImagePullBackOff', message: 'cannot pull' } } }]
  yield withPods([pod({ status: unready })])
  yield withPods([pod({ status: {} }), pod({ name: 'web-2', status: { ...unready, containerStatuses: waiting } })])
  const named = { ports: [{ name: 'http', port: 80, targetPort: 'htpp' }] }
  const other = pod({ name: 'other', ports: [{ containerPort: 8080, name: 'http' }, { containerPort: 9090 }] })
  const unnamed = pod({ name: 'unnamed', ports: [{ containerPort: 9090 }] })
  yield withPods([pod(), other, unnamed], [], named)
  for (const [reason, detail] of Object.entries(REASONS) as [EndpointReason, string][]) {
    const verdict = endpointVerdict(reason, detail)
    const endpoints = [makeEndpointView('10.244.0.2:8080', { cluster: verdict, local: verdict })]
    yield onPort({ endpoints: NONE }, { endpoints })
    yield onPort({ endpoints: NONE, internalTrafficPolicy: 'Local' }, { endpoints })
  }
  yield { endpoints: [...MANY, makeEndpointView('10.244.9.9:80', { cluster: endpointVerdict('not-ready') })] }
  yield onPort({ endpoints: NONE, portName: '', family: 'IPv6' }, { endpoints: [] })
  const duplicate = endpointVerdict('no-such-port', 'port without name of protocol UDP')
  yield onPort({ endpoints: NONE }, { endpoints: [makeEndpointView('10.244.0.2', { cluster: duplicate })] })
  yield onPort({}, { endpoints: [], kernel: undefined })
  const one = [makeEndpointView('10.244.0.2:8080')]
  yield { endpoints: one, objects: objectsOf({}, { endpoints: MANY }) }
  yield { endpoints: MANY, proxy: { endpoints: MANY }, objects: objectsOf({}, { endpoints: one }) }
  yield { endpoints: one, objects: objectsOf({}, { endpoints: [makeEndpointView('10.244.0.5:8080')] }) }
  yield* probeCases(one)
}

function* probeCases(one: DoctorFacts['endpoints']): Generator<CaseFacts> {
  const probe = (outcome: 'connected' | 'no answer' | 'failed' | 'refused', last = 2) =>
    ({
      address: `10.244.0.${last}:8080`,
      outcome,
      code: outcome === 'refused' ? 'ECONNREFUSED' : 'EHOSTUNREACH',
    }) as const
  yield { probes: [], endpoints: [makeEndpointView('10.244.0.2:53', { protocol: 'UDP' })] }
  const sctp = makeEndpointView('10.244.0.3:53', { protocol: 'SCTP' })
  yield { probes: [], endpoints: [makeEndpointView('10.244.0.2:53', { protocol: 'UDP' }), sctp] }
  yield { probes: [probe('connected')], endpoints: [...one, sctp] }
  yield { endpoints: Array.from({ length: 70 }, (_, index) => makeEndpointView(`10.244.1.${index}:80`)) }
  yield { probes: [probe('refused')], endpoints: one }
  yield { probes: [probe('refused'), probe('refused', 3)] }
  yield { probes: [probe('refused'), probe('connected', 3)], ports: [makeServiceView(), makeServiceView({ port: 81 })] }
  const ended = [{ portName: 'http', protocol: 'TCP', client: '10.0.0.1:1', end: 'refused' }] as never
  yield { probes: [probe('refused')], proxy: { connections: ended } }
  for (const outcome of ['no answer', 'failed'] as const) {
    yield { probes: [probe(outcome)] }
    yield { probes: [probe(outcome), probe('no answer', 4)] }
    yield { probes: [probe(outcome), probe('connected', 3)] }
    yield { probes: [probe(outcome), probe(outcome, 4), probe('connected', 3)] }
  }
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readApiObjects } from '../../lib/doctor/read-api-objects.js'
import { type ObjectFacts } from '../../lib/doctor/doctor-facts.js'
import { RealApiServer, realApiServerUnavailable } from '../support/api/real-api-server.js'

const NAMESPACE = '/api/v1/namespaces/default'
const SLICES = '/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices'
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const READER = 'reader'

function pod(name: string, app: string, ip: string, ready: 'True' | 'False') {
  return {
    create: {
      metadata: { name, labels: { app } },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'server', image: 'server', ports: [{ name: 'http', containerPort: 8080 }] }],
      },
    },
    status: {
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: 'Ready', status: ready, message: ready === 'True' ? '' : 'the probe fails' }],
      },
    },
  }
}

t.test(
  'the doctor reads objects of a real kube-apiserver',
  { skip: realApiServerUnavailable(), timeout: 240_000 },
  async t => {
    const api = await RealApiServer.start()
    t.teardown(() => api.stop())
    for (const [name, app] of [
      ['web', 'web'],
      ['nowhere', 'nothing'],
    ] as const)
      await api.requestOk('POST', `${NAMESPACE}/services`, {
        metadata: { name },
        spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
      })
    for (const [name, ip, ready] of [
      ['web-1', '10.244.0.5', 'True'],
      ['web-2', '10.244.0.6', 'False'],
    ] as const) {
      const { create, status } = pod(name, 'web', ip, ready)
      await api.requestOk('POST', `${NAMESPACE}/pods`, create)
      await api.requestOk('PATCH', `${NAMESPACE}/pods/${name}/status`, status)
    }
    await api.requestOk('POST', SLICES, {
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['10.244.0.5'], conditions: { ready: true }, topology: { 'kubernetes.io/hostname': 'n1' } },
        { addresses: ['10.244.0.6'], conditions: { ready: false } },
      ],
    })
    const read = async (name: string, kubeconfig = api.kubeconfigPath): Promise<ObjectFacts> => {
      const facts = await readApiObjects(kubeconfig, { namespace: 'default', name }, 'n1')
      if (!facts.isSeen) throw new Error(facts.why)
      return facts.value
    }

    await t.test('a Service with its ports, its endpoints and why its Pods are not ready', async t => {
      const { service, ports, endpoints, pods } = await read('web')
      t.strictSame(service?.selector, new Map([['app', 'web']]))
      t.match(ports, [{ name: 'web', port: 80 }])
      t.strictSame(endpoints.map(({ address }) => address).sort(), ['10.244.0.5:8080', '10.244.0.6:8080'])
      const { matching } = pods.isSeen ? pods.value : { matching: [] }
      t.strictSame(matching.map(({ name, isReady, why }) => [name, isReady, why]).sort(), [
        ['web-1', true, ''],
        ['web-2', false, 'the probe fails'],
      ])
      t.match(matching[0], { ports: [{ name: 'http', port: 8080 }], ips: [/^10\.244\.0\./], nodeName: 'n1' })
    })

    await t.test('a selector that matches nothing, with the Pods that there are', async t => {
      const { endpoints, pods } = await read('nowhere')
      t.strictSame(endpoints, [])
      t.match(pods, { isSeen: true, value: { matching: [], others: [{ name: 'web-1' }, { name: 'web-2' }] } })
    })

    await t.test('no such Service, with those that exist', async t => {
      const { service, existing } = await read('wbe')
      t.equal(service, undefined)
      t.strictSame(existing.map(({ name }) => name).sort(), ['kubernetes', 'nowhere', 'web'])
    })

    await t.test('a user who may not read Pods, or nothing at all', async t => {
      const rules = [
        { apiGroups: [''], resources: ['services', 'endpoints'], verbs: ['get', 'list'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list'] },
      ]
      const asUser = (name: string): string => {
        const config = JSON.parse(readFileSync(api.kubeconfigPath, 'utf8')) as { users: { user: object }[] }
        Object.assign(config.users[0]!.user, { as: name })
        const path = join(api.kubeconfigPath, '..', `kubeconfig-${name}`)
        writeFileSync(path, JSON.stringify(config))
        return path
      }
      await api.requestOk('POST', `${RBAC}/clusterroles`, { metadata: { name: READER }, rules })
      await api.requestOk('POST', `${RBAC}/clusterrolebindings`, {
        metadata: { name: READER },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: READER },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: READER }],
      })
      const { service, endpoints, pods } = await read('web', asUser(READER))
      t.ok(service)
      t.equal(endpoints.length, 2)
      t.match(pods, { isSeen: false, why: /pods is forbidden: User "reader" cannot list resource "pods"/ })
      const other = await readApiObjects(asUser('other'), { namespace: 'default', name: 'web' }, 'n1')
      t.match(other, { isSeen: false, why: /User "other" cannot get resource "services"/ })
    })

    await t.test('a server that is away', async t => {
      await api.killApi()
      const facts = await readApiObjects(api.kubeconfigPath, { namespace: 'default', name: 'web' }, 'n1')
      t.match(facts, { isSeen: false, why: /ECONNREFUSED/ })
    })
  },
)

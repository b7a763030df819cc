import t from 'tap'
import { RealApiServer, realApiServerUnavailable } from '../support/api/real-api-server.js'
import { addressesOf, endpoints, node, service, slice, startSource } from './source-under-test.js'

const SERVICES = '/api/v1/namespaces/default/services'
const ENDPOINTS = '/api/v1/namespaces/default/endpoints'
const SLICES = '/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices'
const NODES = '/api/v1/nodes'

t.test('against a real kube-apiserver', { skip: realApiServerUnavailable(), timeout: 240_000 }, async test => {
  const api = await RealApiServer.start()
  test.teardown(() => api.stop())
  await api.requestOk('POST', SERVICES, service('web', '10.96.0.10'))
  await api.requestOk('POST', SERVICES, service('headless', 'None'))
  await api.requestOk('POST', SLICES, slice('web-1', 'web', '10.244.0.1'))
  await api.requestOk('POST', NODES, node('n1'))
  await api.requestOk('POST', NODES, node('n2'))

  const source = await startSource({ kubeconfig: api.kubeconfigPath, nodeName: 'n1' })
  test.teardown(() => source.stop())
  const { store, until, log } = source
  const has = (name: string) => store.services.has(`default/${name}`)

  await test.test('the source delivers all objects, through the API of this server', async inner => {
    await until(() => store.hasSynced && store.node !== undefined)
    inner.equal(store.services.get('default/web')?.clusterIP, '10.96.0.10')
    inner.equal(addressesOf(store, 'web'), '10.244.0.1')
    inner.equal(store.node?.name, 'n1')
    inner.ok(log.has('discovery.k8s.io/v1'))
    inner.notOk(log.errors.length > 0)
  })

  await test.test('the source delivers creations, changes and deletions', async () => {
    await api.requestOk('POST', SERVICES, service('db', '10.96.0.11'))
    await until(() => has('db'))
    await api.requestOk('PATCH', `${SLICES}/web-1`, { endpoints: [{ addresses: ['10.244.0.2'] }] })
    await until(() => addressesOf(store, 'web') === '10.244.0.2')
    await api.requestOk('PATCH', `${NODES}/n1`, { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } })
    await until(() => store.node?.zone === 'z1')
    await api.requestOk('DELETE', `${SERVICES}/db`)
    await until(() => !has('db'))
  })

  await test.test('a Service is removed while it has the label of another proxy', async () => {
    const label = (value: string | null) => ({
      metadata: { labels: { 'service.kubernetes.io/service-proxy-name': value } },
    })
    await api.requestOk('PATCH', `${SERVICES}/web`, label('other'))
    await until(() => !has('web'))
    await api.requestOk('PATCH', `${SERVICES}/web`, label(null))
    await until(() => has('web'))
  })

  await test.test('during an outage of the server the last known state stays', async inner => {
    await api.killApi()
    await until(() => log.has('Cannot reach the API server'))
    inner.ok(has('web'))
    inner.equal(addressesOf(store, 'web'), '10.244.0.2')
  })

  await test.test('after the outage the source delivers all changes', async inner => {
    await api.startApi({ aside: true })
    await api.requestOk('DELETE', `${SERVICES}/web`)
    await api.requestOk('DELETE', `${SLICES}/web-1`)
    await api.requestOk('POST', SERVICES, service('new', '10.96.0.12'))
    await api.requestOk('POST', SLICES, slice('new-1', 'new', '10.244.0.3'))
    await api.requestOk('POST', ENDPOINTS, endpoints('new', '10.244.0.4'))
    inner.ok(has('web'))
    await api.killApi()
    await api.startApi()
    await until(() => !has('web') && has('new'))
    await until(() => addressesOf(store, 'web') === '' && addressesOf(store, 'new') === '10.244.0.3')
    inner.ok(log.has('reachable again'))
  })

  await test.test('the source reads Endpoints when the server no longer has EndpointSlices', async inner => {
    await api.killApi()
    await api.startApi({ flags: ['--runtime-config=discovery.k8s.io/v1beta1=false'] })
    await until(() => addressesOf(store, 'new') === '10.244.0.4')
    await api.requestOk('PATCH', `${ENDPOINTS}/new`, { subsets: endpoints('new', '10.244.0.5')['subsets'] as object })
    await until(() => addressesOf(store, 'new') === '10.244.0.5')
    inner.ok(log.has('"api":"v1"'))
  })
})

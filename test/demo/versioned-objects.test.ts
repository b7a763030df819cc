import t from 'tap'
import { type DemoObject, PATHS, VersionedObjects } from '../../lib/demo/versioned-objects.js'

const service = (name: string, spec: object = {}): DemoObject => ({ kind: 'Service', metadata: { name }, spec })
const node = (name: string): DemoObject => ({ kind: 'Node', metadata: { name } })
const SERVICES = PATHS.get('Service')!
const show = ({ type, version, object }: { type: string; version: number; object: DemoObject }): string =>
  `${version} ${type} ${object.metadata.name} ${String(object.metadata['resourceVersion'])}`

t.test('each change of an object has a version; what is the same has none', t => {
  const objects = new VersionedObjects()
  const deployment = { kind: 'Deployment', metadata: { name: 'web' } }
  t.same(objects.setAll([service('web'), service('dns'), node('node-1'), deployment]).map(show), [
    '2 ADDED web 2',
    '3 ADDED dns 3',
    '4 ADDED node-1 4',
  ])
  t.same(objects.setAll([service('web'), service('dns'), node('node-1'), deployment]), [])
  t.same(objects.setAll([service('web', { clusterIP: '10.96.0.10' }), node('node-1')]).map(show), [
    '5 MODIFIED web 5',
    '6 DELETED dns 6',
  ])
  t.equal(objects.version, 6)
  t.same(
    objects.list(SERVICES).map(({ metadata }) => metadata),
    [{ name: 'web', resourceVersion: '5' }],
  )
  t.same(objects.list(PATHS.get('Node')!, 'node-2'), [])
  t.equal(objects.list(PATHS.get('Node')!, 'node-1').length, 1)
  t.end()
})

t.test('a watch begins with the changes after a version, unless that is too old', t => {
  const objects = new VersionedObjects()
  objects.setAll([service('a'), node('node-1'), service('b')])
  t.same(objects.since(SERVICES, 2)?.map(show), ['4 ADDED b 4'])
  t.same(objects.since(SERVICES, 4), [])
  t.equal(objects.since(SERVICES, 1)?.length, 2)
  for (let index = 0; index < 1000; index++) objects.setAll([service('a', { index })])
  t.equal(objects.since(SERVICES, 2), undefined)
  t.equal(objects.since(SERVICES, objects.version - 1000)?.length, 1000)
  t.end()
})

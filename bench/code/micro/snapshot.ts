import { EMPTY_SNAPSHOT } from '../../../lib/model/snapshot.js'
import { buildSnapshot } from '../../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../../lib/snapshot/object-store.js'
import { makeApiObjects, makeEndpointObjects } from '../testbed/api-objects.js'
import { makeServices } from '../testbed/bench-service.js'
import { type MicroBench } from './micro-bench.js'

const SERVICES = 1000
const ENDPOINTS = 10
const SCOPE = { nodeName: 'bench-node', families: ['IPv4', 'IPv6'] as const, rangesAtNodePorts: false }

/** From API objects to a snapshot. */
export function snapshotBenches(): MicroBench[] {
  const services = makeServices({ services: SERVICES, endpoints: ENDPOINTS })
  const objects = services.flatMap(makeApiObjects)
  const lists = (['services', 'endpointslices'] as const).map(kind =>
    objects.filter(([resource]) => resource === kind).map(([, object]) => object),
  )
  const store = new ObjectStore('bench-node')
  const deliver = (): void => {
    store.replace('Service', lists[0]!)
    store.replace('EndpointSlice', lists[1]!)
  }
  deliver()
  const all = store.takeChanges()
  const whole = buildSnapshot(store, all, SCOPE, EMPTY_SNAPSHOT)
  const size = `${SERVICES.toLocaleString('en')} Services with ${ENDPOINTS} endpoints each`
  return [
    {
      name: 'snapshot: from nothing',
      operation: size,
      run(count) {
        for (let n = 0; n < count; n++) buildSnapshot(store, all, SCOPE, EMPTY_SNAPSHOT)
      },
    },
    {
      name: 'snapshot: one Service changed',
      operation: `endpoints of one of ${SERVICES.toLocaleString('en')}`,
      run(count) {
        for (let n = 0; n < count; n++) {
          const service = services[services.length - 1]!
          store.upsert('EndpointSlice', makeEndpointObjects(service, [`10.244.1.${n % 250}`])[0]![1])
          buildSnapshot(store, store.takeChanges(), SCOPE, whole)
        }
      },
    },
    {
      name: 'snapshot: the same lists again',
      operation: `${size}, read, found equal`,
      run(count) {
        for (let n = 0; n < count; n++) deliver()
      },
    },
  ]
}

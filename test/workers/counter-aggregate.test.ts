import t from 'tap'
import { zeroTrafficCounts } from '../../lib/dataplane/data-plane.js'
import { CounterAggregate } from '../../lib/workers/counter-aggregate.js'

const workerTraffic = (traffic: Record<string, { connections: number; active?: number; ejected?: number }>, n = 0) => ({
  traffic: new Map(Object.entries(traffic).map(([key, counts]) => [key, { ...zeroTrafficCounts(), ...counts }])),
  budgets: {
    descriptors: { used: 10, limit: 100, waited: n, shed: 10 * n, evicted: 20 * n },
    flows: { used: 4, limit: 50, waited: 0, shed: 2 * n, evicted: 3 * n },
    dials: { used: 1, limit: 6, waited: 100 * n, shed: 1000 * n },
    memory: {
      heldBack: { used: 7, limit: 70, waited: 0, shed: 0, evicted: 4 * n },
      unanswered: { used: 8, limit: 80, waited: 0, shed: 5 * n, evicted: 0 },
      sendQueue: { used: 9, limit: 90, waited: 0, shed: 6 * n, evicted: 0 },
      affinity: { used: 11, limit: 110, waited: 0, shed: 0, evicted: 7 * n },
    },
  },
})

t.test('counts of all workers are added up', t => {
  const aggregate = new CounterAggregate()
  aggregate.update(0, workerTraffic({ web: { connections: 5, active: 2 }, dns: { connections: 1 } }, 1))
  aggregate.update(1, workerTraffic({ web: { connections: 7, active: 1 } }, 2))
  t.match(aggregate.getTraffic().get('web'), { connections: 12, active: 3 })
  t.match(aggregate.getTraffic().get('dns'), { connections: 1 })
  t.strictSame(aggregate.getBudgets(), {
    descriptors: { used: 20, limit: 200, waited: 3, shed: 30, evicted: 60 },
    flows: { used: 8, limit: 100, waited: 0, shed: 6, evicted: 9 },
    dials: { used: 2, limit: 12, waited: 300, shed: 3000 },
    memory: {
      heldBack: { used: 14, limit: 140, waited: 0, shed: 0, evicted: 12 },
      unanswered: { used: 16, limit: 160, waited: 0, shed: 15, evicted: 0 },
      sendQueue: { used: 18, limit: 180, waited: 0, shed: 18, evicted: 0 },
      affinity: { used: 22, limit: 220, waited: 0, shed: 0, evicted: 21 },
    },
  })
  t.end()
})

t.test('counters keep their values when a worker exits, and gauges lose its share', t => {
  const aggregate = new CounterAggregate()
  aggregate.update(0, workerTraffic({ web: { connections: 5, active: 2 } }, 1))
  aggregate.update(1, workerTraffic({ web: { connections: 7, active: 1 } }))
  aggregate.removeWorker(0)
  t.match(aggregate.getTraffic().get('web'), { connections: 12, active: 1 })
  aggregate.update(0, workerTraffic({ web: { connections: 1, active: 1 } }))
  t.match(aggregate.getTraffic().get('web'), { connections: 13, active: 2 })
  t.strictSame(aggregate.getBudgets(), {
    descriptors: { used: 20, limit: 200, waited: 1, shed: 10, evicted: 20 },
    flows: { used: 8, limit: 100, waited: 0, shed: 2, evicted: 3 },
    dials: { used: 2, limit: 12, waited: 100, shed: 1000 },
    memory: {
      heldBack: { used: 14, limit: 140, waited: 0, shed: 0, evicted: 4 },
      unanswered: { used: 16, limit: 160, waited: 0, shed: 5, evicted: 0 },
      sendQueue: { used: 18, limit: 180, waited: 0, shed: 6, evicted: 0 },
      affinity: { used: 22, limit: 220, waited: 0, shed: 0, evicted: 7 },
    },
  })
  t.end()
})

t.test('counters keep their values when a worker loses a listener or opens it again', t => {
  const aggregate = new CounterAggregate()
  aggregate.update(0, workerTraffic({ web: { connections: 5 }, dns: { connections: 3 } }))
  aggregate.update(0, workerTraffic({ dns: { connections: 1 } }))
  t.match(aggregate.getTraffic().get('web'), { connections: 5 })
  t.match(aggregate.getTraffic().get('dns'), { connections: 4 })
  t.end()
})

t.test('an endpoint that several workers have ejected counts once, until they exit', t => {
  const aggregate = new CounterAggregate()
  aggregate.update(0, workerTraffic({ web: { connections: 5, ejected: 1 } }))
  aggregate.update(1, workerTraffic({ web: { connections: 7, ejected: 2 } }))
  t.match(aggregate.getTraffic().get('web'), { connections: 12, ejected: 2 })
  aggregate.removeWorker(1)
  t.match(aggregate.getTraffic().get('web'), { connections: 12, ejected: 1 })
  t.end()
})

t.test('counts of a removed listener are dropped', t => {
  const aggregate = new CounterAggregate()
  aggregate.update(0, workerTraffic({ web: { connections: 5 }, dns: { connections: 3 } }))
  aggregate.removeWorker(0)
  aggregate.update(1, workerTraffic({ web: { connections: 1 } }))
  aggregate.retainListeners(key => key === 'dns')
  t.strictSame([...aggregate.getTraffic().keys()], ['dns'])
  t.end()
})

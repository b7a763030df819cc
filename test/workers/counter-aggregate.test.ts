import t from 'tap'
import { zeroTrafficCounts } from '../../lib/dataplane/data-plane.js'
import { CounterAggregate } from '../../lib/workers/counter-aggregate.js'

const workerTraffic = (traffic: Record<string, { connections: number; active?: number; ejected?: number }>, n = 0) => ({
  traffic: new Map(Object.entries(traffic).map(([key, counts]) => [key, { ...zeroTrafficCounts(), ...counts }])),
  budgets: {
    descriptors: { used: 10, limit: 100, waited: n, shed: 10 * n },
    dials: { used: 1, limit: 6, waited: 100 * n, shed: 1000 * n },
  },
})

t.test('workers are added up', t => {
  const ledger = new CounterAggregate()
  ledger.update(0, workerTraffic({ web: { connections: 5, active: 2 }, dns: { connections: 1 } }, 1))
  ledger.update(1, workerTraffic({ web: { connections: 7, active: 1 } }, 2))
  t.match(ledger.getTraffic().get('web'), { connections: 12, active: 3 })
  t.match(ledger.getTraffic().get('dns'), { connections: 1 })
  t.strictSame(ledger.getBudgets(), {
    descriptors: { used: 20, limit: 200, waited: 3, shed: 30 },
    dials: { used: 2, limit: 12, waited: 300, shed: 3000 },
  })
  t.end()
})

t.test('no counter goes backwards when a worker ends, and what was open is open no more', t => {
  const ledger = new CounterAggregate()
  ledger.update(0, workerTraffic({ web: { connections: 5, active: 2 } }, 1))
  ledger.update(1, workerTraffic({ web: { connections: 7, active: 1 } }))
  ledger.removeWorker(0)
  t.match(ledger.getTraffic().get('web'), { connections: 12, active: 1 })
  ledger.update(0, workerTraffic({ web: { connections: 1, active: 1 } }))
  t.match(ledger.getTraffic().get('web'), { connections: 13, active: 2 })
  t.strictSame(ledger.getBudgets(), {
    descriptors: { used: 20, limit: 200, waited: 1, shed: 10 },
    dials: { used: 2, limit: 12, waited: 100, shed: 1000 },
  })
  t.end()
})

t.test('nor when a worker gives a listener away, or opens it anew', t => {
  const ledger = new CounterAggregate()
  ledger.update(0, workerTraffic({ web: { connections: 5 }, dns: { connections: 3 } }))
  ledger.update(0, workerTraffic({ dns: { connections: 1 } }))
  t.match(ledger.getTraffic().get('web'), { connections: 5 })
  t.match(ledger.getTraffic().get('dns'), { connections: 4 })
  t.end()
})

t.test('an endpoint that several workers leave out counts once, and not at all when they have ended', t => {
  const ledger = new CounterAggregate()
  ledger.update(0, workerTraffic({ web: { connections: 5, ejected: 1 } }))
  ledger.update(1, workerTraffic({ web: { connections: 7, ejected: 2 } }))
  t.match(ledger.getTraffic().get('web'), { connections: 12, ejected: 2 })
  ledger.removeWorker(1)
  t.match(ledger.getTraffic().get('web'), { connections: 12, ejected: 1 })
  t.end()
})

t.test('a listener that is gone is forgotten', t => {
  const ledger = new CounterAggregate()
  ledger.update(0, workerTraffic({ web: { connections: 5 }, dns: { connections: 3 } }))
  ledger.removeWorker(0)
  ledger.update(1, workerTraffic({ web: { connections: 1 } }))
  ledger.retainListeners(key => key === 'dns')
  t.strictSame([...ledger.getTraffic().keys()], ['dns'])
  t.end()
})

import t from 'tap'
import { type InspectedRow } from '../../lib/dataplane/inspect-request.js'
import { ageRows } from '../../lib/dataplane/age-rows.js'

const listener = { key: 'k', namespace: 'n', service: 's', portName: '', protocol: 'TCP' } as const

t.test('the times of all kinds of rows count from a later moment', t => {
  const rows = [
    { listener, id: 1, openedMsAgo: 30, endedMsAgo: 10, tries: 1 },
    { listener, id: 2, openedMsAgo: 30, state: 'open' },
    { listener, what: 'ejected', sequence: 1, msAgo: 5, forMs: 2000 },
    { listener, client: 'c', endpoint: 'e', leftMs: 4000 },
    { listener, address: 'a', open: 1, ejectedForMs: 2000, ejectedMsAgo: 100, isNext: false },
  ] as unknown as readonly InspectedRow[]
  t.strictSame(ageRows([{ rows, at: 500 }], 2000), [
    { listener, id: 1, openedMsAgo: 1530, endedMsAgo: 1510, tries: 1 },
    { listener, id: 2, openedMsAgo: 1530, state: 'open' },
    { listener, what: 'ejected', sequence: 1, msAgo: 1505, forMs: 2000 },
    { listener, client: 'c', endpoint: 'e', leftMs: 2500 },
    { listener, address: 'a', open: 1, ejectedForMs: 500, ejectedMsAgo: 1600, isNext: false },
  ])
  t.end()
})

t.test('what has ended meanwhile is over, and what was not ejected is not now', t => {
  const rows = [
    { listener, client: 'c', endpoint: 'e', leftMs: 1000 },
    { listener, address: 'a', open: 1, ejectedForMs: 1000, ejectedMsAgo: 100, isNext: false },
    { listener, address: 'b', open: 1, ejectedForMs: 0, ejectedMsAgo: 0, isNext: true },
    { listener, address: 'l', port: 80, holdsNodePort: false, isListening: true, active: 0 },
  ] as unknown as readonly InspectedRow[]
  t.strictSame(ageRows([{ rows, at: 500 }], 2000), [
    { listener, client: 'c', endpoint: 'e', leftMs: 0 },
    { listener, address: 'a', open: 1, ejectedForMs: 0, ejectedMsAgo: 0, isNext: false },
    { listener, address: 'b', open: 1, ejectedForMs: 0, ejectedMsAgo: 0, isNext: true },
    { listener, address: 'l', port: 80, holdsNodePort: false, isListening: true, active: 0 },
  ])
  t.strictSame(ageRows([{ rows, at: 500 }], 500), rows)
  t.end()
})

t.test('each part ages from its own moment', t => {
  const [early, late] = [0, 1500].map(at => ({
    rows: [{ listener, client: `at ${at}`, endpoint: 'e', leftMs: 4000 }],
    at,
  }))
  t.strictSame(ageRows([early!, late!], 2000), [
    { listener, client: 'at 0', endpoint: 'e', leftMs: 2000 },
    { listener, client: 'at 1500', endpoint: 'e', leftMs: 3500 },
  ])
  t.end()
})

import t from 'tap'
import { EndedConnections } from '../../lib/dataplane/ended-connections.js'
import { type InspectedConnection } from '../../lib/dataplane/inspect-request.js'

const listener = {
  key: 'IPv4/default/web/TCP',
  namespace: 'default',
  service: 'web',
  portName: '',
  protocol: 'TCP',
} as const

/** All that it remembers. */
function rowsOf(ended: EndedConnections, now: number): InspectedConnection[] {
  return [...ended.rows(now, () => true)].map(row => row!)
}

/** Adds a connection that opened at its number and ended ten milliseconds later. */
function add(ended: EndedConnections, id: number, bytes = 7): void {
  const connection = { id, clientPort: 65_535, openedAt: id, tries: 2 }
  ended.add(listener, connection, '10.244.0.9', '10.244.0.2:80', 'reset-by-client', id + 10, bytes, bytes)
}

t.test('the last connection comes first, with all that it has left behind', t => {
  const ended = new EndedConnections()
  t.strictSame(rowsOf(ended, 0), [])
  add(ended, 1)
  add(ended, 2, NaN)
  t.strictSame(rowsOf(ended, 100), [
    {
      ...{ listener, id: 2, client: '10.244.0.9', clientPort: 65_535, endpoint: '10.244.0.2:80' },
      ...{ openedMsAgo: 98, endedMsAgo: 88, end: 'reset-by-client', tries: 2 },
    },
    {
      ...{ listener, id: 1, client: '10.244.0.9', clientPort: 65_535, endpoint: '10.244.0.2:80' },
      ...{ openedMsAgo: 99, endedMsAgo: 89, end: 'reset-by-client', tries: 2, bytesToEndpoint: 7, bytesToClient: 7 },
    },
  ])
  t.end()
})

t.test('a process remembers a thousand, also while others end in between', t => {
  const ended = new EndedConnections()
  for (let id = 1; id <= 2500; id++) add(ended, id)
  const ids = rowsOf(ended, 0).map(({ id }) => id)
  t.strictSame([ids.length, ids[0], ids.at(-1)], [1000, 2500, 1501])
  const seen: number[] = []
  for (const row of ended.rows(0, () => true)) {
    const { id } = row!
    seen.push(id)
    // Its place is taken before the reader comes there.
    if (id === 2500) for (let more = 2501; more <= 2600; more++) add(ended, more)
  }
  t.strictSame([seen.length, seen.at(-1)], [900, 1601])
  t.end()
})

t.test('a connection of a Service that is not asked for is a step without a row', t => {
  const ended = new EndedConnections()
  add(ended, 1)
  t.strictSame([...ended.rows(0, () => false)], [undefined])
  t.end()
})

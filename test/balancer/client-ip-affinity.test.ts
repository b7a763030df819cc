import t from 'tap'
import { EndpointCache } from '../../lib/balancer/balanced-endpoint.js'
import { ClientIpAffinity } from '../../lib/balancer/client-ip-affinity.js'
import { RoundRobin } from '../../lib/balancer/round-robin.js'

const TTL_MS = 1000

function makeAffinity(clients: number): ClientIpAffinity {
  const affinity = new ClientIpAffinity(new RoundRobin(0), TTL_MS)
  affinity.replace(new EndpointCache().replace([{ ip: '10.244.0.5', port: 80 }]))
  for (let client = 0; client < clients; client++) affinity.pick(`10.0.0.${client}`, 0)
  return affinity
}

t.test('all clients are listed once, also those that are used meanwhile', t => {
  const affinity = makeAffinity(5)
  const seen: string[] = []
  for (const record of affinity.clients(1)) {
    if (record !== undefined) seen.push(record.client)
    // One that was listed, and one that was not.
    affinity.pick('10.0.0.0', 1)
    affinity.pick('10.0.0.3', 1)
  }
  t.strictSame(seen, ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'])
  t.end()
})

t.test('a client that is forgotten meanwhile is a step without a client', t => {
  const affinity = makeAffinity(2)
  const seen: (string | undefined)[] = []
  for (const record of affinity.clients(1)) {
    seen.push(record?.client)
    affinity.close()
  }
  t.strictSame(seen, ['10.0.0.0', undefined])
  t.end()
})

t.test('a client that was silent for the timeout is not listed', t => {
  const affinity = makeAffinity(2)
  affinity.pick('10.0.0.1', 10)
  t.match(
    [...affinity.clients(TTL_MS + 5)].filter(record => record !== undefined),
    [{ client: '10.0.0.1', leftMs: 5, endpoint: { key: '10.244.0.5:80' } }],
  )
  t.equal([...affinity.clients(TTL_MS + 10)].filter(record => record !== undefined).length, 0)
  t.end()
})

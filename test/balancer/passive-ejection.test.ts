import t from 'tap'
import { ClientIpAffinity } from '../../lib/balancer/client-ip-affinity.js'
import { PassiveEjection } from '../../lib/balancer/passive-ejection.js'
import { RoundRobin } from '../../lib/balancer/round-robin.js'

const target = (n: number) => ({ ip: `10.244.0.${n}`, port: 80 })
const key = (n: number) => `10.244.0.${n}:80`

function ejecting(...numbers: readonly number[]) {
  const balancer = new PassiveEjection(new RoundRobin(0), 1000)
  balancer.replace(numbers.map(target))
  return {
    balancer,
    pick: (now: number, ...avoid: string[]) => balancer.pick('c', now, new Set(avoid))?.ip.split('.').at(-1),
  }
}

t.test('an endpoint that failed is left out until its time is over', t => {
  const { balancer, pick } = ejecting(1, 2, 3)
  balancer.failed(key(1), 0)
  t.strictSame(
    [0, 1, 2, 999].map(now => pick(now)),
    ['2', '3', '2', '3'],
  )
  t.equal(pick(1000), '1')
  t.end()
})

t.test('when all have failed, none is left out', t => {
  const { balancer, pick } = ejecting(1, 2)
  balancer.failed(key(1), 0)
  balancer.failed(key(2), 0)
  t.strictSame(
    [1, 2, 3].map(now => pick(now)),
    ['1', '2', '1'],
  )
  t.equal(pick(4, key(2)), '1', 'but what failed for this very client still comes last')
  t.equal(pick(5, key(1)), '2')
  t.end()
})

t.test('the only endpoint is never left out', t => {
  const { balancer, pick } = ejecting(1)
  balancer.failed(key(1), 0)
  t.equal(pick(1), '1')
  t.end()
})

t.test('an endpoint that went and came back starts anew', t => {
  const { balancer, pick } = ejecting(1, 2)
  balancer.failed(key(1), 0)
  balancer.replace([target(2)])
  balancer.replace([target(1), target(2)])
  t.strictSame([pick(1), pick(2)].sort(), ['1', '2'])
  t.end()
})

t.test('a client with affinity keeps its endpoint when that failed for somebody else only', t => {
  const { balancer } = ejecting(1, 2)
  const affinity = new ClientIpAffinity(balancer, 60_000)
  affinity.replace([target(1), target(2)])
  t.equal(affinity.pick('a', 0)?.ip, '10.244.0.1')
  balancer.failed(key(1), 1)
  t.equal(affinity.pick('a', 2)?.ip, '10.244.0.1')
  t.equal(affinity.pick('b', 3)?.ip, '10.244.0.2', 'a new client gets another')
  t.end()
})

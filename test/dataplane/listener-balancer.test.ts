import t from 'tap'
import { type BalancedEndpoint } from '../../lib/balancer/balanced-endpoint.js'
import { AVOID_NONE } from '../../lib/balancer/balancer.js'
import { ListenerBalancer } from '../../lib/dataplane/listener-balancer.js'
import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'

const endpoint = (n: number) => ({ ip: `10.244.0.${n}`, port: 80 })
const endpoints = (...numbers: readonly number[]) => numbers.map(endpoint)
const numberOf = (taken: BalancedEndpoint | undefined) => Number(taken?.ip.split('.')[3])
type BalancerSpec = Pick<ListenerSpec, 'endpoints' | 'affinityMs' | 'balancer'>

function setUp(spec: BalancerSpec) {
  const balancer = new ListenerBalancer(spec, () => 0)
  const take = (client = 'client', avoid = AVOID_NONE, instead?: BalancedEndpoint) =>
    balancer.acquire(client, 0, avoid, instead)
  return { balancer, take, takeNumbers: (count: number) => Array.from({ length: count }, () => numberOf(take())) }
}

const baseSpec: BalancerSpec = { endpoints: endpoints(1, 2), affinityMs: undefined, balancer: 'least-connections' }

t.test('an acquired endpoint counts as used at once, so that a burst is spread', t => {
  const { takeNumbers } = setUp({ ...baseSpec, endpoints: endpoints(1, 2, 3) })
  t.strictSame(takeNumbers(6), [1, 2, 3, 1, 2, 3])
  t.end()
})

t.test('a released endpoint no longer counts, and neither does one that another attempt replaced', t => {
  const { balancer, take, takeNumbers } = setUp({ ...baseSpec, endpoints: endpoints(1, 2, 3) })
  const first = take()
  const second = take('client', new Set([first!]), first)
  t.strictSame([numberOf(first), numberOf(second)], [1, 2])
  t.strictSame([first?.open, second?.open], [0, 1])
  balancer.release(second)
  balancer.release(undefined)
  t.equal(second?.open, 0)
  t.strictSame(takeNumbers(3), [3, 1, 2])
  t.end()
})

t.test('another balancer applies at once, and knows the open connections', t => {
  const { balancer, takeNumbers } = setUp({ ...baseSpec, balancer: 'round-robin' })
  t.strictSame(takeNumbers(3), [1, 2, 1])
  balancer.update({ ...baseSpec, endpoints: endpoints(1, 2, 3) })
  t.strictSame(takeNumbers(4), [3, 2, 3, 1], 'least connections: the first has two and the second has one')
  balancer.update({ ...baseSpec, endpoints: endpoints(1, 2, 3), balancer: 'round-robin' })
  t.strictSame(takeNumbers(4), [1, 2, 3, 1])
  t.end()
})

t.test('an update with equal endpoints keeps the turn', t => {
  const { balancer, takeNumbers } = setUp({ ...baseSpec, balancer: 'round-robin', endpoints: endpoints(1, 2, 3) })
  t.strictSame(takeNumbers(1), [1])
  balancer.update({ ...baseSpec, balancer: 'round-robin', endpoints: endpoints(1, 2, 3) })
  t.strictSame(takeNumbers(1), [2])
  t.end()
})

t.test('affinity comes before the balancer for a known client, whose connections count as well', t => {
  const { balancer, take } = setUp({ ...baseSpec, affinityMs: 60_000 })
  t.strictSame(
    ['x', 'x', 'x', 'y', 'z', 'x'].map(client => numberOf(take(client))),
    [1, 1, 1, 2, 2, 1],
  )
  balancer.update({ ...baseSpec, affinityMs: 60_000, balancer: 'random-two-choices' })
  t.equal(numberOf(take('x')), 1, 'a change of the balancer keeps the affinity')
  t.end()
})

t.test('an endpoint that fails again and again is ejected for 2, 4, 8, 16 and then 30 seconds', t => {
  const { balancer, take } = setUp(baseSpec)
  const failing = take()!
  let now = 0
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    balancer.recordFailure(failing, now)
    t.equal(balancer.countEjected(now + seconds * 1000 - 1), 1)
    now += seconds * 1000
    t.equal(balancer.countEjected(now), 0, `${seconds} s`)
  }
  t.equal(balancer.ejections, 6)
  balancer.recordSuccess(failing)
  balancer.recordFailure(failing, now)
  t.equal(balancer.countEjected(now + 2000), 0, '2 s again after a success')
  t.end()
})

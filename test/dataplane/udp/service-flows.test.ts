import t from 'tap'
import { FlowBudget } from '../../../lib/dataplane/udp/flow-budget.js'
import { type ServiceFlow, ServiceFlows } from '../../../lib/dataplane/udp/service-flows.js'

/** Flows of one process that are named by the test; `ended` has their names in the order of their ends. */
class Harness {
  readonly ended: string[] = []
  readonly budget: FlowBudget

  constructor(capacity: number) {
    this.budget = new FlowBudget(capacity)
  }

  /** Opens a flow as a listener does. @returns undefined: there was no room */
  open(service: ServiceFlows, name: string, address: string, now: number, idleTimeout = 1000): FakeFlow | undefined {
    if (!this.budget.makeRoom(service)) return undefined
    const flow = new FakeFlow(address, idleTimeout, () => {
      this.ended.push(name)
      this.budget.remove(service, flow)
    })
    this.budget.add(service, flow, now)
    return flow
  }
}

class FakeFlow implements ServiceFlow {
  lastUsed = 0
  isAssured = false
  holding: ServiceFlow['holding']
  older: ServiceFlow['older']
  newer: ServiceFlow['newer']
  readonly client: { readonly address: string }
  readonly idleTimeout: number
  readonly end: () => void

  constructor(address: string, idleTimeout: number, end: () => void) {
    this.client = { address }
    this.idleTimeout = idleTimeout
    this.end = end
  }
}

function assure(service: ServiceFlows, flow: FakeFlow): void {
  service.promote(flow)
  flow.isAssured = true
}

t.test('when clients have one flow each, the flow that was idle longest makes room', t => {
  const harness = new Harness(9)
  const service = new ServiceFlows()
  const flows = Array.from({ length: 8 }, (_, n) => harness.open(service, `${n}`, `10.0.0.${n}`, n)!)
  service.touch(flows[0]!, 8)
  harness.open(service, 'late', '10.0.0.99', 9)
  harness.open(service, 'later', '10.0.0.98', 10)
  t.strictSame(harness.ended, ['1', '2'])
  t.match(harness.budget.counts(), { used: 8, limit: 9, shed: 0, evicted: 2 })
  t.end()
})

t.test('the client with the most flows makes room, first with flows without several answers', t => {
  const harness = new Harness(9)
  const service = new ServiceFlows()
  const polite = harness.open(service, 'polite', '10.0.0.1', 0)!
  const greedy = Array.from({ length: 7 }, (_, n) => harness.open(service, `greedy ${n}`, '10.0.0.2', 1 + n)!)
  assure(service, greedy[0]!)
  for (let n = 0; n < 7; n++) harness.open(service, `new ${n}`, '10.0.0.2', 10 + n)
  t.strictSame(harness.ended, ['greedy 1', 'greedy 2', 'greedy 3', 'greedy 4', 'greedy 5', 'greedy 6', 'new 0'])
  assure(service, polite)
  t.equal(harness.budget.counts().used, 8)
  t.end()
})

t.test('a Service that has its share makes room itself, and another one has a place at once', t => {
  const harness = new Harness(90)
  const [flooded, dns] = [new ServiceFlows(), new ServiceFlows()]
  for (let n = 0; n < 500; n++) t.ok(harness.open(flooded, `flood ${n}`, `10.0.${n >> 8}.${n & 255}`, n))
  t.match(harness.budget.counts(), { used: 80, evicted: 420 })
  for (let n = 0; n < 9; n++) t.ok(harness.open(dns, `dns ${n}`, '10.1.0.1', 1000 + n))
  t.match(harness.budget.counts(), { used: 89, evicted: 420 })
  t.end()
})

t.test('when nothing is free, a Service with few flows gets the place of one that has many', t => {
  const harness = new Harness(10)
  const services = Array.from({ length: 3 }, () => new ServiceFlows())
  for (let n = 0; n < 20; n++) harness.open(services[0]!, `a${n}`, '10.0.0.1', n)
  for (const service of services.slice(1)) harness.open(service, 'other', '10.0.0.2', 30)
  t.equal(harness.budget.counts().used, 10)
  const before = harness.ended.length
  t.ok(harness.open(new ServiceFlows(), 'new', '10.0.0.3', 40))
  t.match(harness.ended.slice(before), [/^a/])
  t.end()
})

t.test('exactly those flows expire that have been idle for their own timeout', t => {
  const harness = new Harness(100)
  const service = new ServiceFlows()
  const assured = harness.open(service, 'long', '10.0.0.1', 0, 100)!
  harness.open(service, 'short', '10.0.0.1', 1, 10)
  harness.open(service, 'fresh', '10.0.0.2', 5, 10)
  assure(service, assured)
  const expiredAt = (now: number) => {
    harness.ended.length = 0
    service.expireIdle(now, 10)
    return [...harness.ended]
  }
  t.strictSame(expiredAt(10), [])
  t.strictSame(expiredAt(11), ['short'])
  t.strictSame(expiredAt(100), ['fresh', 'long'])
  t.match(harness.budget.counts(), { used: 0 })
  t.notOk(harness.budget.evict(service))
  t.end()
})

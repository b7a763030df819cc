import t from 'tap'
import { NOTHING_ASSIGNED, assignListeners } from '../../lib/workers/assign-listeners.js'
import { makeListenerPlan, makeListenerSpec } from '../support/dataplane/plane-under-test.js'

const endpoints = [{ ip: '10.0.0.1', port: 80 }]
const tcp = (service: string) => makeListenerSpec({ key: `${service}/TCP`, service, endpoints })
const udp = (service: string) => makeListenerSpec({ key: `${service}/UDP`, service, protocol: 'UDP', endpoints })
const names = Array.from({ length: 200 }, (_, n) => `service-${n}`)

t.test('TCP without affinity is held by every worker, what has to remember its clients by one', t => {
  const sticky = { ...tcp('sticky'), affinityMs: 10 }
  const limited = { ...tcp('limited'), maxConnectionsPerClient: 5 }
  const counting = { ...tcp('counting'), balancer: 'least-connections' } as const
  const plan = makeListenerPlan(tcp('web'), udp('dns'), sticky, limited, counting)
  const { holders } = assignListeners(plan, [0, 1, 2], true, NOTHING_ASSIGNED)
  t.equal(holders.get('limited/TCP')!.length, 1, 'a limit holds for all connections together')
  t.equal(holders.get('counting/TCP')!.length, 1, 'fewest connections means of all')
  t.strictSame(holders.get('web/TCP'), [0, 1, 2])
  t.equal(holders.get('dns/UDP')!.length, 1)
  t.equal(holders.get('sticky/TCP')!.length, 1)
  t.end()
})

t.test('where sockets cannot be shared every listener is held by one', t => {
  const { holders } = assignListeners(makeListenerPlan(tcp('web')), [0, 1], false, NOTHING_ASSIGNED)
  t.equal(holders.get('web/TCP')!.length, 1)
  t.end()
})

t.test('what one worker has to hold of a Service is held by the same one', t => {
  for (const name of names) {
    const sticky = { ...tcp(name), affinityMs: 10 }
    const { holders } = assignListeners(makeListenerPlan(udp(name), sticky), [0, 1, 2], true, NOTHING_ASSIGNED)
    t.strictSame(holders.get(`${name}/UDP`), holders.get(`${name}/TCP`))
  }
  t.end()
})

t.test('Services spread over the workers', t => {
  const { owners } = assignListeners(makeListenerPlan(...names.map(udp)), [0, 1, 2, 3], true, NOTHING_ASSIGNED)
  for (const worker of [0, 1, 2, 3]) {
    const share = [...owners.values()].filter(owner => owner === worker).length
    t.ok(share > 30 && share < 70, `worker ${worker} has ${share} of 200`)
  }
  t.end()
})

t.test('a worker that ends costs its own Services only; they stay with those who take them', t => {
  const plan = makeListenerPlan(...names.map(udp))
  const before = assignListeners(plan, [0, 1, 2], true, NOTHING_ASSIGNED)
  const without = assignListeners(plan, [0, 2], true, before)
  for (const [service, owner] of before.owners) {
    if (owner !== 1) t.equal(without.owners.get(service), owner)
    else t.not(without.owners.get(service), 1)
  }
  t.strictSame(assignListeners(plan, [0, 1, 2], true, without).owners, without.owners, 'a flow is not torn for balance')
  t.end()
})

t.test('affinity that is switched off and on again', t => {
  const sticky = { ...tcp('web'), affinityMs: 10 }
  const on = assignListeners(makeListenerPlan(sticky), [0, 1], true, NOTHING_ASSIGNED)
  const off = assignListeners(makeListenerPlan(tcp('web')), [0, 1], true, on)
  t.strictSame(off.holders.get('web/TCP'), [0, 1])
  const again = assignListeners(makeListenerPlan(sticky), [0, 1], true, off)
  t.equal(again.holders.get('web/TCP')!.length, 1)
  t.end()
})

t.test('without a worker nobody holds anything', t => {
  const { holders } = assignListeners(makeListenerPlan(tcp('web'), udp('dns')), [], true, NOTHING_ASSIGNED)
  t.strictSame([...holders.values()], [[], []])
  t.end()
})

import t from 'tap'
import { NOTHING_ASSIGNED, assignListeners } from '../../lib/workers/assign-listeners.js'
import { makeListenerPlan, makeListenerSpec } from '../support/dataplane/plane-under-test.js'

const endpoints = [{ ip: '10.0.0.1', port: 80 }]
const tcp = (service: string) => makeListenerSpec({ key: `${service}/TCP`, service, endpoints })
const udp = (service: string) => makeListenerSpec({ key: `${service}/UDP`, service, protocol: 'UDP', endpoints })
const names = Array.from({ length: 200 }, (_, n) => `service-${n}`)

t.test('every worker holds plain TCP listeners, one worker holds those with state about clients', t => {
  const sticky = { ...tcp('sticky'), affinityMs: 10 }
  const limited = { ...tcp('limited'), maxConnectionsPerClient: 5 }
  const counting = { ...tcp('counting'), balancer: 'least-connections' } as const
  const plan = makeListenerPlan(tcp('web'), udp('dns'), sticky, limited, counting)
  const { holders } = assignListeners(plan, [0, 1, 2], true, NOTHING_ASSIGNED)
  t.equal(holders.get('limited/TCP')!.length, 1, 'a limit counts all connections')
  t.equal(holders.get('counting/TCP')!.length, 1, 'least-connections counts all connections')
  t.strictSame(holders.get('web/TCP'), [0, 1, 2])
  t.equal(holders.get('dns/UDP')!.length, 1)
  t.equal(holders.get('sticky/TCP')!.length, 1)
  t.end()
})

t.test('one worker holds each listener if sockets cannot be shared', t => {
  const { holders } = assignListeners(makeListenerPlan(tcp('web')), [0, 1], false, NOTHING_ASSIGNED)
  t.equal(holders.get('web/TCP')!.length, 1)
  t.end()
})

t.test('the same worker holds all unshared listeners of a Service', t => {
  for (const name of names) {
    const sticky = { ...tcp(name), affinityMs: 10 }
    const { holders } = assignListeners(makeListenerPlan(udp(name), sticky), [0, 1, 2], true, NOTHING_ASSIGNED)
    t.strictSame(holders.get(`${name}/UDP`), holders.get(`${name}/TCP`))
  }
  t.end()
})

t.test('Services are spread evenly over the workers', t => {
  const { owners } = assignListeners(makeListenerPlan(...names.map(udp)), [0, 1, 2, 3], true, NOTHING_ASSIGNED)
  for (const worker of [0, 1, 2, 3]) {
    const share = [...owners.values()].filter(owner => owner === worker).length
    t.ok(share > 30 && share < 70, `worker ${worker} has ${share} of 200`)
  }
  t.end()
})

t.test('when a worker exits, only its Services move, and they stay at their new worker', t => {
  const plan = makeListenerPlan(...names.map(udp))
  const before = assignListeners(plan, [0, 1, 2], true, NOTHING_ASSIGNED)
  const without = assignListeners(plan, [0, 2], true, before)
  for (const [service, owner] of before.owners) {
    if (owner !== 1) t.equal(without.owners.get(service), owner)
    else t.not(without.owners.get(service), 1)
  }
  t.strictSame(
    assignListeners(plan, [0, 1, 2], true, without).owners,
    without.owners,
    'a new worker takes no Service from another one',
  )
  t.end()
})

t.test('a listener is shared again while its affinity is off', t => {
  const sticky = { ...tcp('web'), affinityMs: 10 }
  const on = assignListeners(makeListenerPlan(sticky), [0, 1], true, NOTHING_ASSIGNED)
  const off = assignListeners(makeListenerPlan(tcp('web')), [0, 1], true, on)
  t.strictSame(off.holders.get('web/TCP'), [0, 1])
  const again = assignListeners(makeListenerPlan(sticky), [0, 1], true, off)
  t.equal(again.holders.get('web/TCP')!.length, 1)
  t.end()
})

t.test('without workers no listener has a holder', t => {
  const { holders } = assignListeners(makeListenerPlan(tcp('web'), udp('dns')), [], true, NOTHING_ASSIGNED)
  t.strictSame([...holders.values()], [[], []])
  t.end()
})

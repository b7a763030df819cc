import t from 'tap'
import { leverEffect } from '../../lib/demo-page/lever-effect.js'
import { type LiveRequest } from '../../lib/demo-page/demo-document.js'

const answered = (client: string, pod: string): LiveRequest => ({
  client,
  pod,
  clientIP: '10.244.0.1',
  error: null,
  tookMs: 5,
})
const lost = (client: string, error: string): LiveRequest => ({
  client,
  pod: null,
  clientIP: null,
  error,
  tookMs: 1500,
})
const NOTHING = { during: [], after: [] }
const traffic = (connections: number, dialFailures: number, refused: number) => ({
  ...{ workers: 0, connections, open: 0, refused, dialFailures, ejected: 0 },
})

t.test('an effect counts answers and losses by Pod, client and reason', t => {
  const requests = [answered('a', 'web-2'), answered('a', 'web-1'), answered('b', 'web-1'), lost('b', 'ECONNREFUSED')]
  const during = [answered('a', 'web-1'), lost('a', 'ECONNRESET')]
  const effect = leverEffect({ during, after: requests }, undefined, undefined)
  t.same(effect.answers, [
    { pod: 'web-1', count: 2 },
    { pod: 'web-2', count: 1 },
  ])
  t.same(effect.lost, [{ error: 'ECONNREFUSED', count: 1 }])
  t.same(effect.clients, [
    { name: 'a', pods: ['web-1', 'web-2'], seenAs: ['10.244.0.1'] },
    { name: 'b', pods: ['web-1'], seenAs: ['10.244.0.1'] },
  ])
  t.match(effect, { requests: 4, slowestMs: 1500 })
  t.same(effect.during, { requests: 2, lost: 1 }, 'what began before the change was complete counts by itself')
  t.end()
})

t.test('the numbers of the proxy are those since the change; one that was started meanwhile has counted from 0', t => {
  const before = { pid: 7, traffic: traffic(100, 4, 2) }
  t.same(leverEffect(NOTHING, before, { pid: 7, traffic: traffic(109, 5, 2) }).proxy, {
    ...{ connections: 9, failedTries: 1, refused: 0 },
  })
  t.same(leverEffect(NOTHING, before, { pid: 8, traffic: traffic(6, 0, 1) }).proxy, {
    ...{ connections: 6, failedTries: 0, refused: 1 },
  })
  t.equal(leverEffect(NOTHING, before, { pid: 8, traffic: null }).proxy, 'in-kernel', 'the kernel carries connections')
  t.end()
})

t.test('what the proxy has counted is not known if it did not answer before or after the change', t => {
  const counts = { pid: 7, traffic: traffic(100, 4, 2) }
  t.equal(leverEffect(NOTHING, counts, undefined).proxy, 'not-known')
  t.equal(leverEffect(NOTHING, undefined, counts).proxy, 'not-known', 'not all that it has ever counted')
  t.equal(leverEffect(NOTHING, undefined, undefined).proxy, 'not-known')
  t.end()
})

import t from 'tap'
import { parseSender } from '../../lib/explain/sender-text.js'

t.test('a sender is a Pod, the node, a host outside, or an address', t => {
  t.same(parseSender('pod/10.244.0.2'), { kind: 'pod', address: '10.244.0.2' })
  t.same(parseSender('Pod/fd00:244::02'), { kind: 'pod', address: 'fd00:244::2' })
  t.same(parseSender('pod'), { kind: 'pod', address: undefined })
  t.same(parseSender('node'), { kind: 'node', address: undefined })
  t.same(parseSender('node/127.0.0.1'), { kind: 'node', address: '127.0.0.1' })
  t.same(parseSender('outside'), { kind: 'outside', address: undefined })
  t.same(parseSender('outside/192.0.2.9'), { kind: 'outside', address: '192.0.2.9' })
  t.same(parseSender('192.0.2.9'), { kind: 'address', address: '192.0.2.9' })
  for (const wrong of ['', 'pods/', 'pod/web', 'pod/10.244.0.2/24', 'host', '10.244.0', 'outside/'])
    t.equal(parseSender(wrong), undefined, wrong)
  t.end()
})

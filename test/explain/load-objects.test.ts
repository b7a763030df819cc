import t from 'tap'
import { type RawObject, chooseNodeName } from '../../lib/explain/load-objects.js'

const node = (name: unknown): RawObject => ({ kind: 'Node', raw: { metadata: { name } } })
const slice = (...nodeNames: readonly unknown[]): RawObject => ({
  kind: 'EndpointSlice',
  raw: { metadata: { name: 'x' }, endpoints: nodeNames.map(nodeName => ({ nodeName })) },
})

t.test('the node is the only Node, or that of this machine, or one with endpoints, or this machine', t => {
  t.equal(chooseNodeName([node('a')], 'host'), 'a')
  t.equal(chooseNodeName([node('b'), node('host')], 'host'), 'host')
  t.equal(chooseNodeName([node('b'), node('a')], 'host'), 'a', 'the first by name, the same each time')
  t.equal(chooseNodeName([slice('b', 'a')], 'host'), 'a')
  t.equal(chooseNodeName([slice('b', 'a'), node('c')], 'host'), 'c')
  t.equal(chooseNodeName([slice(), slice(undefined, 7), node(7)], 'host'), 'host', 'what is no name does not count')
  t.equal(chooseNodeName([{ kind: 'EndpointSlice', raw: null }], 'host'), 'host')
  t.end()
})

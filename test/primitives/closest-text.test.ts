import t from 'tap'
import { closestText } from '../../lib/primitives/closest-text.js'

const KNOWN = [
  'cluster-cidr',
  'config',
  'config-sync-period',
  'cleanup',
  'cleanup-ipvs',
  'v',
  'healthz-port',
  'metrics-port',
]

t.test('the closest known text is found by its mistakes', t => {
  for (const [text, expected] of [
    ['cluster-cdir', 'cluster-cidr'],
    ['clustercidr', 'cluster-cidr'],
    ['Cluster-CIDR', 'cluster-cidr'],
    ['cofig', 'config'],
    ['config-sync-perid', 'config-sync-period'],
    ['cleanup-ipv', 'cleanup-ipvs'],
    ['clenaup', 'cleanup'],
    ['port', undefined],
    ['something-else', undefined],
    ['', undefined],
  ] as const)
    t.equal(closestText(text, KNOWN), expected, text)
  t.equal(closestText('config', []), undefined)
  t.end()
})

t.test('of two texts that are equally close, the first one is taken', t => {
  t.equal(closestText('abcx', ['abcd', 'abce']), 'abcd')
  t.end()
})

t.test('candidates whose length differs too much are not compared, and neither is a text longer than any name', t => {
  let compared = 0
  const known = Array.from({ length: 1000 }, (_, index) => {
    const name = `service-${index}`
    // A comparison begins with the lower-case text.
    return Object.assign(Object(name) as string, { toLowerCase: () => (compared++, name) })
  })
  t.equal(closestText('x'.repeat(15_000), [...known, 'x'.repeat(15_000)]), undefined)
  t.equal(closestText('x'.repeat(200), known), undefined)
  t.equal(compared, 0)
  t.equal(String(closestText('servise-7', known)), 'service-7')
  t.ok(compared > 0)
  t.end()
})

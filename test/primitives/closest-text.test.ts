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

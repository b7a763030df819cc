import t from 'tap'
import { parseCidr } from '../../../lib/model/cidr.js'
import { PrefixNames } from '../../../lib/netfilter/tree/prefix-names.js'

void t.test('A chain has the name of its prefix, with a hash if that would be too long', t => {
  const table: readonly (readonly [prefix: string, name: string | RegExp])[] = [
    ['10.96.16.0/20', 'KUBE-PODS-10.96.16.0/20'],
    ['255.255.255.240/28', 'KUBE-PODS-255.255.255.240/28'],
    ['10.96.0.1/32', 'KUBE-PODS-10.96.0.1'],
    ['::/4', 'KUBE-PODS---/4'],
    ['fd00:10:96::/64', 'KUBE-PODS-fd00-10-96--/64'],
    ['fd00:10::5/128', 'KUBE-PODS-fd00-10--5'],
    ['fd00:1234:5678:1::a3f0/124', /^KUBE-PODS-x[0-9a-z]{7}-a3f0\/124$/],
    ['fd00:1234:5678:1:ffff:ffff:ffff:fff0/124', /^KUBE-PODS-x[0-9a-z]{7}-fff0\/124$/],
    ['fd00:1234:5678:1234:5600::/72', /^KUBE-PODS-x[0-9a-z]{7}-5600\/72$/],
  ]
  for (const [prefix, name] of table) {
    const actual = new PrefixNames('KUBE-PODS-').getName(parseCidr(prefix)!)
    if (typeof name === 'string') t.equal(actual, name, prefix)
    else t.match(actual, name, prefix)
    t.ok(actual.length <= 28, `${prefix}: ${actual.length} characters`)
  }
  t.throws(() => new PrefixNames('KUBE-PORTALS-CONTAINER-'), /23 characters, above 10/)
  t.end()
})

void t.test('Two prefixes never have the same name, even if their hashes are equal', t => {
  const names = new PrefixNames('KUBE-PODS-', (_, salt) => String(salt).padStart(7, '0'))
  const prefixes = ['fd00:1234:5678:1::a3f0/124', 'fd00:1234:5678:2::a3f0/124', 'fd00:1234:5678:3::a3f0/124']
  const first = prefixes.map(prefix => names.getName(parseCidr(prefix)!))
  t.equal(new Set(first).size, 3, first.join(' '))
  t.same(
    prefixes.map(prefix => names.getName(parseCidr(prefix)!)),
    first,
    'each prefix keeps its name',
  )
  names.retain(new Map([[first[0]!, []]]))
  t.equal(
    names.getName(parseCidr('fd00:1234:5678:4::a3f0/124')!),
    first[1],
    'a name that no chain has any more is free again',
  )
  t.end()
})

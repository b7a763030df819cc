import t from 'tap'
import { otherHostFilter } from '../../../lib/netfilter/walk/other-host-filter.js'
import { walkRules } from '../../../lib/netfilter/walk/walk-rules.js'

const NO_FACTS = {
  isOwnAddress: () => false,
  interfaceTo: () => undefined,
  addressOf: () => undefined,
  findSet: () => undefined,
  secondsInList: () => 'never' as const,
  findVirtualServer: () => undefined,
}

t.test('a rule for one other address is recognised, in both families', t => {
  const isOther = otherHostFilter('10.96.0.10')
  t.equal(isOther(['-d', '10.96.0.11/32', '-j', 'DROP']), true)
  t.equal(otherHostFilter('fd00::10')(['-d', 'fd00::11/128', '-j', 'DROP']), true)
  t.end()
})

t.test('a rule that may apply is not', t => {
  const isOther = otherHostFilter('10.96.0.10')
  for (const args of [
    ['-d', '10.96.0.10/32', '-j', 'DROP'],
    ['!', '-d', '10.96.0.11/32', '-j', 'DROP'],
    ['-d', '10.96.0.0/24', '-j', 'DROP'],
    ['-s', '10.96.0.11/32', '-j', 'DROP'],
    ['-j', 'DROP'],
    ['-d'],
    [],
  ])
    t.equal(isOther(args), false, args.join(' '))
  t.equal(otherHostFilter('fd00:1::1')(['-d', 'fd00:1::/32', '-j', 'DROP']), false, 'a range of IPv6')
  t.equal(otherHostFilter('fd00::10')(['-d', 'fd00::10/128', '-j', 'DROP']), false)
  t.end()
})

t.test('of a chain with thousands of addresses, a packet reads the rules for its own one', t => {
  let read = 0
  const forOthers = Array.from({ length: 5000 }, (_, index) => {
    const args = ['-d', `10.97.${index >> 8}.${index & 255}/32`, '-j', 'DROP']
    return Object.defineProperty(args, 2, {
      get: () => {
        read++
        return '-j'
      },
    })
  })
  const chain = [...forOthers, ['-d', '10.96.0.10/32', '-j', 'DROP']]
  const rules = { chain: (table: string, name: string) => (table === 'raw' && name === 'OUTPUT' ? chain : undefined) }
  const packet = { hook: 'OUTPUT', protocol: 'TCP', source: '10.244.0.1', destination: '10.96.0.10', port: 80 } as const
  const { paths } = walkRules(rules, packet, NO_FACTS)
  t.strictSame(
    paths.map(({ end, steps }) => [end.kind, steps.length]),
    [['dropped', 1]],
  )
  t.equal(read, 0)
  t.end()
})

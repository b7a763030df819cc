import t from 'tap'
import { parseCidr } from '../../lib/model/cidr.js'
import { ruleKind } from '../../lib/netfilter/rule-kind.js'
import { type Rule } from '../../lib/netfilter/rule-set.js'
import { typicalRule } from '../../lib/netfilter/typical-rule.js'

const ODD = '10.96.0.99'

t.test('a typical rule has the kind of a rule, and none of its values', t => {
  const rules: readonly Rule[] = [
    { comment: 'odd', source: ODD, destination: parseCidr('10.96.0.99/31')!, target: { kind: 'ACCEPT' } },
    { protocol: 'TCP', destinationPort: 8181, target: { kind: 'DNAT', address: ODD, port: 8181 } },
    { protocol: 'TCP', sourcePort: { first: 8181, last: 8199 }, target: { kind: 'DROP' } },
    { protocol: 'UDP', destinationPorts: [8181, 8182], target: { kind: 'REDIRECT', port: 8181 } },
    { protocol: 'TCP', sourcePorts: [8181], keepsConnection: true, connection: 'INVALID', target: { kind: 'DROP' } },
    { not: { source: ODD, mark: 8181 }, inInterface: 'odd0', target: { kind: 'RETURN' } },
    { recent: { list: 'odd', action: 'check', seconds: 8181 }, oneIn: 8181, target: { kind: 'RETURN' } },
    { recent: { list: 'odd', action: 'set' }, target: { kind: 'MARK', operation: 'set', bits: 1 } },
  ]
  for (const rule of rules) {
    const typical = typicalRule(rule, 'IPv4')
    t.equal(ruleKind(['nat', typical]), ruleKind(['nat', rule]))
    t.notMatch(JSON.stringify(typical), /10\.96\.0|81[89]\d|odd/)
  }
  t.strictSame(typicalRule({ target: { kind: 'jump', chain: 'odd' } }, 'IPv6'), { target: { kind: 'RETURN' } })
  t.match(typicalRule({ source: 'fd00::1', target: { kind: 'DROP' } }, 'IPv6'), { source: '2001:db8::1' })
  t.end()
})

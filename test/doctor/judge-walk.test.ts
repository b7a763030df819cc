import t from 'tap'
import { judgeWalk } from '../../lib/doctor/judge-walk.js'
import { modeByName } from '../../lib/modes/registry.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'
import { type NodeFacts, type Packet } from '../../lib/netfilter/walk/packet-view.js'
import { walkRules } from '../../lib/netfilter/walk/walk-rules.js'

const { chains } = modeByName('iptables')
const FACTS: NodeFacts = {
  isOwnAddress: ip => ip === '192.168.50.1',
  interfaceTo: () => 'cni0',
  addressOf: () => '192.168.50.1',
  findSet: () => undefined,
  secondsInList: () => 'never',
  findVirtualServer: () => undefined,
}
const PACKET: Packet = {
  ...{ hook: 'PREROUTING', protocol: 'TCP', source: '10.244.0.9', inInterface: 'cni0' },
  ...{ destination: '10.96.0.10', port: 80 },
}
/** The rules of the proxy for one Service with one endpoint, and those of others. */
const rulesWith = ({ nat = '', filter = '', raw = '', policy = 'ACCEPT', service = '-j KUBE-SEP-A' }) =>
  parseRuleTables(`*raw
:PREROUTING ACCEPT [0:0]
${raw}
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SEP-A - [0:0]
:OTHER - [0:0]
${nat}
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A
-A KUBE-SVC-A ${service}
-A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.244.0.2:8080
COMMIT
*filter
:FORWARD ${policy} [0:0]
:KUBE-FORWARD - [0:0]
:FW-POLICY - [0:0]
[7:420] ${filter === '' ? '-A FORWARD -j KUBE-FORWARD' : filter}
COMMIT
`)
const judge = (more: Parameters<typeof rulesWith>[0] = {}, packet: Partial<Packet> = {}) => {
  const rules = rulesWith(more)
  return judgeWalk(walkRules(rules, { ...PACKET, ...packet }, FACTS), { rules, chains })
}

t.test('what happens to a packet, and whose rule does it', t => {
  t.same(judge(), { kind: 'served', to: ['10.244.0.2:8080'] })
  t.same(judge({}, { destination: '10.96.0.11' }), { kind: 'untranslated' })
  const taken = { kind: 'taken', rule: { table: 'nat', chain: 'PREROUTING', position: 1 } }
  t.match(judge({ nat: '-A PREROUTING -d 10.96.0.10/32 -j ACCEPT' }), taken)
  t.match(judge({ nat: '-A PREROUTING -d 10.96.0.10/32 -j RETURN' }), taken)
  t.match(judge({ nat: '-A PREROUTING -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 192.0.2.1:80' }), taken)
  t.match(
    judge({ nat: '-A PREROUTING -j OTHER\n-A OTHER -j RETURN' }),
    { kind: 'served' },
    'a return to the chain above',
  )
  t.match(judge({ raw: '-A PREROUTING -d 10.96.0.10/32 -j CT --notrack' }), { kind: 'taken', rule: { table: 'raw' } })
  t.match(judge({ filter: '-A FORWARD -d 10.244.0.0/24 -j DROP' }), {
    ...{ kind: 'stopped', how: 'dropped', isOwn: false },
    rule: { rule: '-A FORWARD -d 10.244.0.0/24 -j DROP', packets: 7 },
  })
  t.match(judge({ filter: '-A FORWARD -p tcp -j REJECT --reject-with tcp-reset' }), { how: 'refused', isOwn: false })
  t.match(judge({ filter: '-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -j DROP' }), { how: 'dropped', isOwn: true })
  t.match(judge({ policy: 'DROP' }), {
    kind: 'stopped',
    isOwn: false,
    rule: { position: undefined, rule: 'policy DROP' },
  })
  t.end()
})

t.test('whether a rule stands in the way of each sender', t => {
  const isForAll = (more: Parameters<typeof judge>[0]): boolean | undefined => {
    const outcome = judge(more)
    return outcome.kind === 'stopped' || outcome.kind === 'taken' ? outcome.rule.isForAll : undefined
  }
  const rows: readonly (readonly [rules: Parameters<typeof judge>[0], isForAll: boolean])[] = [
    [{ filter: '-A FORWARD -d 10.244.0.0/24 -p tcp -m tcp --dport 8080 -j DROP' }, true],
    [{ filter: '-A FORWARD -j DROP' }, true],
    [{ policy: 'DROP' }, true],
    [{ filter: '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -j DROP' }, true],
    [{ filter: '-A FORWARD -s 10.244.0.0/24 -j DROP' }, false],
    [{ filter: '-A FORWARD -i cni0 -j DROP' }, false],
    [{ filter: '-A FORWARD -s 192.168.50.7/32 -j ACCEPT\n-A FORWARD -j DROP' }, false],
    [{ filter: '-A FORWARD -s 192.168.50.7/32 -j ACCEPT', policy: 'DROP' }, false],
    [{ filter: '-A FORWARD -m mark --mark 0x0/0x10000 -j DROP' }, false],
    // A NetworkPolicy: it has let others go before.
    [{ filter: '-A FORWARD -j FW-POLICY\n-A FORWARD -j DROP\n-A FW-POLICY -s 10.9.0.0/16 -j ACCEPT' }, false],
    [{ filter: '-A FORWARD -j FW-POLICY\n-A FW-POLICY -s 10.9.0.0/16 -j ACCEPT\n-A FW-POLICY -j DROP' }, false],
    [{ filter: '-A FORWARD -j FW-POLICY\n-A FW-POLICY -j DROP' }, true],
    [{ filter: '-A FORWARD -j KUBE-FORWARD\n-A FORWARD -j DROP' }, true],
    [{ nat: '-A PREROUTING -d 10.96.0.10/32 -j ACCEPT' }, true],
    [{ nat: '-A PREROUTING -s 10.244.0.0/16 -j ACCEPT' }, false],
  ]
  for (const [rules, expected] of rows) t.equal(isForAll(rules), expected, JSON.stringify(rules))
  t.end()
})

t.test('a rule that only the kernel can answer makes no finding, unless each answer leads to the same', t => {
  const doubtful = '-m hashlimit --hashlimit-above 1/sec --hashlimit-name a'
  t.match(judge({ filter: `-A FORWARD ${doubtful} -j DROP` }), { kind: 'unknown', why: /hashlimit/ })
  t.match(judge({ filter: `-A FORWARD ${doubtful} -j DROP\n-A FORWARD -j DROP` }), { kind: 'stopped', isOwn: false })
  t.match(judge({ filter: `-A FORWARD ${doubtful} -j ACCEPT` }), { kind: 'served' })
  t.end()
})

t.test('one bad way of several is enough', t => {
  const service = '-m statistic --mode random --probability 0.5 -j KUBE-SEP-A\n-A KUBE-SVC-A -d 10.96.0.10/32 -j ACCEPT'
  t.match(judge({ service }), { kind: 'untranslated' })
  t.end()
})

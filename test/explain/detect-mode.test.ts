import t from 'tap'
import { detectMode } from '../../lib/explain/detect-mode.js'
import { MODES } from '../../lib/modes/registry.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'

t.test('The mode with the most chains of its own is recognised, and chains of several modes do not count', t => {
  const table: readonly (readonly [chains: readonly string[], mode: string | undefined])[] = [
    [[], undefined],
    [['KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'], undefined],
    [['KUBE-PORTALS-HOST', 'KUBE-SVC-A', 'KUBE-SVC-B'], 'iptables'],
    [['KUBE-SERVICES', 'KUBE-LOAD-BALANCER'], 'ipvs'],
  ]
  for (const [chains, mode] of table) {
    const rules = parseRuleTables(['*nat', ...chains.map(name => `:${name} - [0:0]`), 'COMMIT', ''].join('\n'))
    t.equal(detectMode(MODES, [rules])?.name, mode, chains.join(' '))
  }
  const [nat, other] = ['KUBE-PORTALS-HOST', 'KUBE-SVC-A'].map(name => parseRuleTables(`*nat\n:${name} - [0:0]\n`))
  t.equal(detectMode(MODES, [nat!, other!, other!])?.name, 'iptables', 'the rules of all families count')
  t.end()
})

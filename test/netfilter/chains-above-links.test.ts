import t from 'tap'
import { parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { chainsAboveLinks } from '../../lib/netfilter/is-bypassed.js'
import { type Link, type RuleSet } from '../../lib/netfilter/rule-set.js'

const CHAIN = 'KUBE-REFUSE'

/** The chains above a link from INPUT, where the kernel has these rules in INPUT and in chains of other programs. */
function chainsAbove(
  input: readonly string[],
  place: Pick<Link, 'staysAbove'> = { staysAbove: 'acceptance' },
): string[] {
  const link: Link = { chain: 'INPUT', position: 'first', ...place, rule: { target: { kind: 'jump', chain: CHAIN } } }
  const rules: RuleSet = {
    family: 'IPv4',
    tables: new Map([['filter', { chains: new Map([[CHAIN, []]]), links: [link] }]]),
  }
  const lines = [
    ...['INPUT', CHAIN, 'TOP', 'DEEP', 'LOOP', 'KNOWN'].map(chain => `:${chain} - [0:0]`),
    ...input.map(rule => `-A INPUT ${rule}`),
    '-A TOP -i other0 -j DEEP',
    '-A TOP -m conntrack --ctstate RELATED,ESTABLISHED -j KNOWN',
    '-A DEEP -g LOOP',
    '-A LOOP -j DEEP',
    '-A LOOP -j DROP',
  ]
  return [...chainsAboveLinks(rules, parseIptablesSave(`*filter\n${lines.join('\n')}\nCOMMIT\n`))].sort()
}

t.test('the chains that rules above a link lead new connections to are found', t => {
  const all = ['filter DEEP', 'filter LOOP', 'filter TOP']
  t.strictSame(chainsAbove(['-j TOP', `-j ${CHAIN}`]), all)
  t.strictSame(chainsAbove(['-j LOOP', `-j ${CHAIN}`]), ['filter DEEP', 'filter LOOP'])
  t.strictSame(chainsAbove([`-j ${CHAIN}`, '-j TOP']), [], 'those below it do not matter')
  t.strictSame(chainsAbove(['-m conntrack --ctstate ESTABLISHED -j TOP', `-j ${CHAIN}`]), [])
  t.strictSame(chainsAbove(['-j TOP']), [], 'a link that is missing will be first')
  t.strictSame(chainsAbove(['-j ACCEPT', `-s 10.0.0.0/8 -j ${CHAIN}`, `-j ${CHAIN}`]), [])
  t.end()
})

t.test('the chains above a link whose place they cannot change are not found', t => {
  t.strictSame(chainsAbove(['-j TOP', `-j ${CHAIN}`], { staysAbove: 'verdicts' }), [])
  t.strictSame(chainsAbove(['-j TOP', `-j ${CHAIN}`], {}), [])
  t.end()
})

import t from 'tap'
import { parseIptablesSave, targetOf } from '../../lib/netfilter/iptables-save.js'
import { observedAfter, removalInput, restoreInput } from '../../lib/netfilter/iptables-restore.js'
import { type Rule, type RuleSet } from '../../lib/netfilter/rule-set.js'
import { failAndEndTest } from '../support/checks/fail-and-end-test.js'
import { MemoryTables } from '../support/kernel/memory-tables.js'
import { randomInt, testSeed, seededRandom } from '../support/checks/seeded-random.js'

function dnat(comment: string, destination: string, port = 80): Rule {
  return {
    comment,
    destination,
    protocol: 'TCP',
    destinationPort: port,
    target: { kind: 'DNAT', address: '192.168.50.1', port: 40_000 + port },
  }
}

function ruleSet(rules: readonly Rule[], chain = 'KUBE-OURS'): RuleSet {
  const link = {
    chain: 'PREROUTING',
    position: 'first' as const,
    rule: { comment: 'our link', target: { kind: 'jump', chain } as const },
  }
  return { family: 'IPv4', tables: new Map([['nat', { chains: new Map([[chain, rules]]), links: [link] }]]) }
}

/** Reads the rules of the kernel as the proxy does. */
function readKernel(kernel: MemoryTables, counters = false) {
  return parseIptablesSave(kernel.save({ counters }))
}

const seed = testSeed()

void t.test(`A rule with any comment is one rule in the kernel, and is found there again (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const pieces = [
    '"',
    "'",
    '\\',
    '\n',
    ' ',
    '-j',
    ' -A INPUT',
    '`',
    '$(',
    ';',
    'COMMIT',
    '*',
    '#',
    ':',
    'é',
    '😀',
    'web',
    '\0',
    '%',
  ]
  const fixed = [
    '"',
    '\\',
    '\\"',
    'a\\',
    ' ',
    '-j',
    '\n-A PREROUTING -j ACCEPT\n',
    '\nCOMMIT\n*filter',
    '# x',
    'x'.repeat(300),
  ]
  const comments = [
    ...fixed,
    ...Array.from({ length: 500 }, () =>
      Array.from({ length: randomInt(random, 12) }, () => pieces[randomInt(random, pieces.length)]).join(''),
    ),
  ]
  for (const comment of comments) {
    const desired = ruleSet([dnat(comment, '10.96.0.10')])
    const kernel = new MemoryTables()
    kernel.restore(restoreInput(desired, readKernel(kernel)).text)
    const name = JSON.stringify(comment)
    if (kernel.chain('nat', 'KUBE-OURS')?.length !== 1) return failAndEndTest(t, `${name}: not one rule`)
    if (kernel.chain('nat', 'PREROUTING')?.length !== 1) return failAndEndTest(t, `${name}: a rule elsewhere`)
    if (restoreInput(desired, readKernel(kernel)).text !== '') return failAndEndTest(t, `${name}: not found again`)
    if (restoreInput(desired, observedAfter(desired)).text !== '')
      return failAndEndTest(t, `${name}: observedAfter differs`)
  }
  t.pass(`${comments.length} comments`)
  t.end()
})

void t.test('Only chains and links that differ are written', t => {
  const [a, b] = [dnat('default/a', '10.96.0.1'), dnat('default/b', '10.96.0.2')]
  const foreign =
    '*nat\n:FOREIGN - [0:0]\n-A PREROUTING -j FOREIGN\n-A FOREIGN -d 10.96.0.9/32 -p tcp -m tcp --dport 1 -j ACCEPT\nCOMMIT\n'
  const kernel = new MemoryTables()
  kernel.restore(foreign)
  const before = kernel.chain('nat', 'FOREIGN')

  const first = restoreInput(ruleSet([a, b]), readKernel(kernel))
  t.equal(
    first.text,
    [
      '*nat',
      ':KUBE-OURS - [0:0]',
      '-A KUBE-OURS -d 10.96.0.1/32 -p tcp -m comment --comment default/a -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:40080',
      '-A KUBE-OURS -d 10.96.0.2/32 -p tcp -m comment --comment default/b -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:40080',
      '-I PREROUTING 1 -m comment --comment "our link" -j KUBE-OURS',
      'COMMIT',
      '',
    ].join('\n'),
  )
  t.same([...first.ruleCounts], [['nat', 3]])
  kernel.restore(first.text)
  t.equal(
    targetOf(kernel.chain('nat', 'PREROUTING')![0]!),
    'KUBE-OURS',
    'the link comes before rules of other programs',
  )

  for (const counters of [false, true]) {
    const again = restoreInput(ruleSet([a, b]), readKernel(kernel, counters))
    t.equal(again.text, '', 'nothing differs, nothing is written')
    t.equal(again.ruleCounts.size, 0)
  }

  const removed = restoreInput(ruleSet([b]), readKernel(kernel))
  t.notMatch(removed.text, 'default/a', 'a rule that is no longer desired is not mentioned')
  t.notMatch(removed.text, '-I PREROUTING', 'an existing link is not written again')
  t.notMatch(removed.text, 'FOREIGN', 'chains of other programs are not mentioned')
  kernel.restore(removed.text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 1, 'and the rule is gone')

  kernel.restore('*nat\n-D PREROUTING -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  const linkOnly = restoreInput(ruleSet([b]), readKernel(kernel))
  t.equal(linkOnly.text, '*nat\n-I PREROUTING 1 -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  kernel.restore(linkOnly.text)

  kernel.restore('*nat\n-A KUBE-OURS -j ACCEPT\nCOMMIT\n')
  kernel.restore(restoreInput(ruleSet([b]), readKernel(kernel)).text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 1, 'a rule that another program added is gone')

  kernel.restore('*nat\n:KUBE-OURS - [0:0]\nCOMMIT\n')
  kernel.restore(restoreInput(ruleSet([b, a]), readKernel(kernel)).text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 2, 'rules that another program flushed are back')
  t.not(restoreInput(ruleSet([a, b]), readKernel(kernel)).text, '', 'another order is a difference')

  t.same(kernel.chain('nat', 'FOREIGN'), before, 'chains of other programs are unchanged')
  t.end()
})

void t.test('The observed rules of a chain are the same object while the chain is, in each family', t => {
  const chains = new Map([
    ['KUBE-A', [dnat('default/a', '10.96.0.1')]],
    ['KUBE-B', [{ target: { kind: 'REJECT', with: 'port-unreachable' } as const }]],
  ])
  const observe = (family: 'IPv4' | 'IPv6', given: ReadonlyMap<string, readonly Rule[]>) =>
    observedAfter({ family, tables: new Map([['nat', { chains: given, links: [] }]]) }).get('nat')!
  const first = observe('IPv4', chains)
  const second = observe('IPv4', new Map([...chains, ['KUBE-A', [dnat('default/a', '10.96.0.1')]]]))
  t.equal(second.get('KUBE-B'), first.get('KUBE-B'))
  t.not(second.get('KUBE-A'), first.get('KUBE-A'))
  t.same(second, first)
  t.same(observe('IPv6', chains).get('KUBE-B'), [['-j', 'REJECT', '--reject-with', 'icmp6-port-unreachable']])
  t.end()
})

void t.test('A chain that is no longer desired is deleted in the same text, and no chain of another program', t => {
  const tree = (leaves: readonly string[], ownedPrefixes?: readonly string[]): RuleSet => {
    const jumps = leaves.map((chain): Rule => ({ target: { kind: 'jump', chain } }))
    const chains = new Map<string, readonly Rule[]>([
      ['KUBE-OURS', jumps],
      ...leaves.map(chain => [chain, [dnat('default/a', '10.96.0.1')]] as const),
    ])
    return {
      family: 'IPv4',
      tables: new Map([['nat', { chains, links: [], ...(ownedPrefixes && { ownedPrefixes }) }]]),
    }
  }
  const kernel = new MemoryTables()
  kernel.restore(
    '*nat\n:KUBE-FOREIGN - [0:0]\n:KUBE-T-HELD - [0:0]\n-A KUBE-FOREIGN -j KUBE-T-HELD\n-A KUBE-T-HELD -j DROP\nCOMMIT\n',
  )
  kernel.restore(restoreInput(tree(['KUBE-T-1', 'KUBE-T-2']), readKernel(kernel)).text)
  const { text, ruleCounts } = restoreInput(tree(['KUBE-T-1'], ['KUBE-T-']), readKernel(kernel))
  t.equal(
    text,
    [
      '*nat',
      ':KUBE-OURS - [0:0]',
      ':KUBE-T-HELD - [0:0]',
      ':KUBE-T-2 - [0:0]',
      '-A KUBE-OURS -j KUBE-T-1',
      '-X KUBE-T-2',
      'COMMIT',
      '',
    ].join('\n'),
    'a chain that another program jumps to is only flushed',
  )
  t.same([...ruleCounts], [['nat', 1]])
  kernel.restore(text)
  t.equal(restoreInput(tree(['KUBE-T-1'], ['KUBE-T-']), readKernel(kernel)).text, '')
  t.equal(
    restoreInput(tree(['KUBE-T-1']), readKernel(kernel)).text,
    '',
    'without an owned prefix no chain is owned by its name',
  )

  kernel.restore(removalInput(new Map([['nat', ['KUBE-OURS', 'KUBE-T-1', 'KUBE-T-HELD']]]), readKernel(kernel)))
  t.same(
    kernel.chainNames('nat').filter(chain => chain.startsWith('KUBE-')),
    ['KUBE-FOREIGN'],
  )
  t.same(kernel.chain('nat', 'KUBE-FOREIGN'), [])
  t.end()
})

void t.test('Without Services the chains and links exist too', t => {
  const kernel = new MemoryTables()
  const { text } = restoreInput(ruleSet([]), readKernel(kernel))
  t.equal(text, '*nat\n:KUBE-OURS - [0:0]\n-I PREROUTING 1 -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  t.equal(restoreInput(ruleSet([]), new Map()).text, text, 'also without observed rules')
  kernel.restore(text)
  t.equal(restoreInput(ruleSet([]), readKernel(kernel)).text, '')
  t.end()
})

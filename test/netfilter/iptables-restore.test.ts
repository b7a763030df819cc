import t from 'tap'
import { parseIptablesSave, targetOf, optionValue } from '../../lib/netfilter/iptables-save.js'
import { observedAfter, removalInput, restoreInput } from '../../lib/netfilter/iptables-restore.js'
import { type Rule, type RuleSet } from '../../lib/netfilter/rule-set.js'
import { iptablesArgs } from '../../lib/netfilter/iptables-args.js'
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

/** What the kernel holds is read as the proxy reads it. */
function readKernel(kernel: MemoryTables, counters = false) {
  return parseIptablesSave(kernel.save({ counters }))
}

void t.test('A rule is spelled as iptables-save prints it back', t => {
  const table: readonly (readonly [rule: Rule, family: 'IPv4' | 'IPv6', words: string])[] = [
    [
      dnat('default/web:http', '10.96.0.10'),
      'IPv4',
      '-d 10.96.0.10/32 -p tcp -m comment --comment default/web:http -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:40080',
    ],
    [
      {
        comment: 'a/b',
        destination: 'fd00::10',
        protocol: 'UDP',
        destinationPort: 53,
        target: { kind: 'DNAT', address: 'fd00::1', port: 4000 },
      },
      'IPv6',
      '-d fd00::10/128 -p udp -m comment --comment a/b -m udp --dport 53 -j DNAT --to-destination [fd00::1]:4000',
    ],
    [
      {
        comment: 'a/b',
        destination: '10.96.0.1',
        protocol: 'TCP',
        destinationPort: 1,
        target: { kind: 'REDIRECT', port: 2 },
      },
      'IPv4',
      '-d 10.96.0.1/32 -p tcp -m comment --comment a/b -m tcp --dport 1 -j REDIRECT --to-ports 2',
    ],
    [{ comment: 'x', target: { kind: 'jump', chain: 'KUBE-X' } }, 'IPv4', '-m comment --comment x -j KUBE-X'],
    [
      { comment: 'x', protocol: 'TCP', target: { kind: 'jump', chain: 'KUBE-X' } },
      'IPv4',
      '-p tcp -m comment --comment x -j KUBE-X',
    ],
  ]
  for (const [rule, family, words] of table) t.equal(iptablesArgs(rule, family).join(' '), words)
  t.end()
})

void t.test('A comment holds printable ASCII of at most 255 bytes, whatever it was made from', t => {
  const table: readonly (readonly [comment: string, kept: string])[] = [
    ['default/web:http', 'default/web:http'],
    ['two words', 'two words'],
    ['"quoted" \'and\' \\ `id`; $(x)', '"quoted" \'and\' \\ `id`; $(x)'],
    ['line\nbreak\r\0\u001b[31m\u007f', 'line?break???[31m?'],
    ['é中😀', '????'],
    ['', ''],
    ['x'.repeat(300), 'x'.repeat(255)],
    [`${'é'.repeat(150)}${'x'.repeat(150)}`, `${'?'.repeat(150)}${'x'.repeat(105)}`],
  ]
  for (const [comment, kept] of table) {
    const words = iptablesArgs({ comment, target: { kind: 'jump', chain: 'KUBE-X' } }, 'IPv4')
    t.equal(optionValue(words, '--comment'), kept, JSON.stringify(comment).slice(0, 40))
  }
  t.end()
})

const seed = testSeed()

void t.test(`Whatever a comment is made of, the kernel gets one rule and we find it again (SEED=${seed})`, t => {
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
    const wanted = ruleSet([dnat(comment, '10.96.0.10')])
    const kernel = new MemoryTables()
    kernel.restore(restoreInput(wanted, readKernel(kernel)).text)
    const name = JSON.stringify(comment)
    if (kernel.chain('nat', 'KUBE-OURS')?.length !== 1) return failAndEndTest(t, `${name}: not one rule`)
    if (kernel.chain('nat', 'PREROUTING')?.length !== 1) return failAndEndTest(t, `${name}: a rule of others`)
    if (restoreInput(wanted, readKernel(kernel)).text !== '') return failAndEndTest(t, `${name}: not found again`)
    if (restoreInput(wanted, observedAfter(wanted)).text !== '')
      return failAndEndTest(t, `${name}: not as expected to be found`)
  }
  t.pass(`${comments.length} comments`)
  t.end()
})

void t.test('What iptables-save prints is read: tables, chains, rules, with counters and without', t => {
  const text = [
    '# Generated by iptables-save v1.8.9 (nf_tables)',
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':KUBE-OURS - [0:0]',
    '-A PREROUTING -m comment --comment "two words; \\"quoted\\" \\\\ \\\'" -j KUBE-OURS',
    '[12:3456] -A KUBE-OURS -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 1.2.3.4:5',
    '-A KUBE-OURS ! -d 10.96.0.11/32 -m comment --comment "" -g ELSEWHERE',
    '-A KUBE-UNKNOWN -j ACCEPT',
    'COMMIT',
    '# Completed',
    '*filter',
    ':INPUT DROP [5:10]',
    'COMMIT',
    '',
  ].join('\n')
  const found = parseIptablesSave(text)
  t.same([...found.keys()], ['nat', 'filter'])
  t.same(
    [...found.get('nat')!],
    [
      ['PREROUTING', [['-m', 'comment', '--comment', 'two words; "quoted" \\ \'', '-j', 'KUBE-OURS']]],
      [
        'KUBE-OURS',
        [
          ['-d', '10.96.0.10/32', '-p', 'tcp', '-j', 'DNAT', '--to-destination', '1.2.3.4:5'],
          ['!', '-d', '10.96.0.11/32', '-m', 'comment', '--comment', '', '-g', 'ELSEWHERE'],
        ],
      ],
    ],
  )
  t.same([...found.get('filter')!], [['INPUT', []]])
  t.equal(parseIptablesSave('').size, 0)
  t.equal(parseIptablesSave('garbage\n[\n-A\n-A X\n:\n').size, 0, 'text that is none is passed over')
  t.end()
})

void t.test('The target of a rule is what it jumps or goes to', t => {
  const table: readonly (readonly [words: string, target: string | undefined])[] = [
    ['-j ACCEPT', 'ACCEPT'],
    ['-p tcp -g KUBE-X', 'KUBE-X'],
    ['-p tcp', undefined],
    ['-p tcp -j', undefined],
  ]
  for (const [words, target] of table) t.equal(targetOf(words.split(' ')), target, words)
  t.end()
})

void t.test('Only what differs is written', t => {
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
  t.equal(targetOf(kernel.chain('nat', 'PREROUTING')![0]!), 'KUBE-OURS', 'our link comes before what others have')

  for (const counters of [false, true]) {
    const again = restoreInput(ruleSet([a, b]), readKernel(kernel, counters))
    t.equal(again.text, '', 'nothing differs, nothing is written')
    t.equal(again.ruleCounts.size, 0)
  }

  const removed = restoreInput(ruleSet([b]), readKernel(kernel))
  t.notMatch(removed.text, 'default/a', 'a rule that is not wanted any more is not named')
  t.notMatch(removed.text, '-I PREROUTING', 'a link that is there is not written again')
  t.notMatch(removed.text, 'FOREIGN', 'nothing of others is named')
  kernel.restore(removed.text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 1, 'and is gone')

  kernel.restore('*nat\n-D PREROUTING -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  const linkOnly = restoreInput(ruleSet([b]), readKernel(kernel))
  t.equal(linkOnly.text, '*nat\n-I PREROUTING 1 -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  kernel.restore(linkOnly.text)

  kernel.restore('*nat\n-A KUBE-OURS -j ACCEPT\nCOMMIT\n')
  kernel.restore(restoreInput(ruleSet([b]), readKernel(kernel)).text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 1, 'what others added to our chain is gone')

  kernel.restore('*nat\n:KUBE-OURS - [0:0]\nCOMMIT\n')
  kernel.restore(restoreInput(ruleSet([b, a]), readKernel(kernel)).text)
  t.equal(kernel.chain('nat', 'KUBE-OURS')?.length, 2, 'what others flushed is back')
  t.not(restoreInput(ruleSet([a, b]), readKernel(kernel)).text, '', 'another order is a difference')

  t.same(kernel.chain('nat', 'FOREIGN'), before, 'nothing happened to what others have')
  t.end()
})

void t.test('What is expected to be found of a chain is the same object as long as the chain is, in each family', t => {
  const chains = new Map([
    ['KUBE-A', [dnat('default/a', '10.96.0.1')]],
    ['KUBE-B', [{ target: { kind: 'REJECT', with: 'port-unreachable' } as const }]],
  ])
  const foundOf = (family: 'IPv4' | 'IPv6', given: ReadonlyMap<string, readonly Rule[]>) =>
    observedAfter({ family, tables: new Map([['nat', { chains: given, links: [] }]]) }).get('nat')!
  const first = foundOf('IPv4', chains)
  const second = foundOf('IPv4', new Map([...chains, ['KUBE-A', [dnat('default/a', '10.96.0.1')]]]))
  t.equal(second.get('KUBE-B'), first.get('KUBE-B'))
  t.not(second.get('KUBE-A'), first.get('KUBE-A'))
  t.same(second, first)
  t.same(foundOf('IPv6', chains).get('KUBE-B'), [['-j', 'REJECT', '--reject-with', 'icmp6-port-unreachable']])
  t.end()
})

void t.test('A chain of ours that is not wanted any more goes in the same text, and no chain of others', t => {
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
    'one that others jump to is only emptied',
  )
  t.same([...ruleCounts], [['nat', 1]])
  kernel.restore(text)
  t.equal(restoreInput(tree(['KUBE-T-1'], ['KUBE-T-']), readKernel(kernel)).text, '')
  t.equal(restoreInput(tree(['KUBE-T-1']), readKernel(kernel)).text, '', 'without a prefix nothing is ours by its name')

  kernel.restore(removalInput(new Map([['nat', ['KUBE-OURS', 'KUBE-T-1', 'KUBE-T-HELD']]]), readKernel(kernel)))
  t.same(
    kernel.chainNames('nat').filter(chain => chain.startsWith('KUBE-')),
    ['KUBE-FOREIGN'],
  )
  t.same(kernel.chain('nat', 'KUBE-FOREIGN'), [])
  t.end()
})

void t.test('Without Services the chains and links are there all the same', t => {
  const kernel = new MemoryTables()
  const { text } = restoreInput(ruleSet([]), readKernel(kernel))
  t.equal(text, '*nat\n:KUBE-OURS - [0:0]\n-I PREROUTING 1 -m comment --comment "our link" -j KUBE-OURS\nCOMMIT\n')
  t.equal(restoreInput(ruleSet([]), new Map()).text, text, 'also where nothing could be found')
  kernel.restore(text)
  t.equal(restoreInput(ruleSet([]), readKernel(kernel)).text, '')
  t.end()
})

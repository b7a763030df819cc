import t from 'tap'
import { parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { chainBatches } from '../../lib/netfilter/chain-batches.js'
import { restoreInput } from '../../lib/netfilter/iptables-restore.js'
import { type ChainGroup, type Rule, type RuleSet } from '../../lib/netfilter/rule-set.js'
import { MemoryTables } from '../support/kernel/memory-tables.js'

const jumpTo = (chain: string): Rule => ({ target: { kind: 'jump', chain } })

/** A group of two chains: the first jumps to the second, and the second to a shared chain. */
function group(n: number, extraRules: readonly Rule[] = []): ChainGroup {
  const chains = new Map([
    [`KUBE-A-${n}`, [jumpTo(`KUBE-B-${n}`), ...extraRules]],
    [`KUBE-B-${n}`, [jumpTo('KUBE-MARK')]],
  ])
  return { chains, ruleCount: 2 }
}

function ruleSet(groups: readonly ChainGroup[]): RuleSet {
  const chains = new Map([
    ['KUBE-ROOT', groups.map((_, n) => jumpTo(`KUBE-A-${n}`))],
    ['KUBE-MARK', [{ target: { kind: 'RETURN' } } satisfies Rule]],
  ])
  const links = [{ chain: 'OUTPUT', position: 'first', rule: jumpTo('KUBE-ROOT') } as const]
  return {
    family: 'IPv4',
    tables: new Map([['nat', { chains, groups, links, ownedPrefixes: ['KUBE-A-', 'KUBE-B-'] }]]),
  }
}

/** Writes as a RuleWriter does, and returns the chains of each text. */
function writeBatches(kernel: MemoryTables, desired: RuleSet, maxChainsPerRestore: number): string[][] {
  const { inputs, observed } = chainBatches(desired, parseIptablesSave(kernel.save()), maxChainsPerRestore)
  const all = [...inputs, restoreInput(desired, observed)].map(({ text }) => text)
  return all.map((text, index) => {
    kernel.restore(text)
    const isLast = index === all.length - 1
    if (!isLast) t.strictSame(kernel.chain('nat', 'KUBE-ROOT') ?? [], rootBefore, 'no rule leads to the new chains yet')
    return text
      .split('\n')
      .filter(line => line.startsWith(':'))
      .map(line => line.slice(':KUBE-'.length).split(' ')[0]!)
  })
}
let rootBefore: readonly unknown[] = []

void t.test('Many new chain groups are written in batches, and the jumps to them at the end', t => {
  const kernel = new MemoryTables()
  rootBefore = []
  const five = ruleSet(Array.from({ length: 5 }, (_, n) => group(n)))
  t.strictSame(writeBatches(kernel, five, 4), [
    ['ROOT', 'MARK', 'A-0', 'B-0', 'A-1', 'B-1'],
    ['A-2', 'B-2', 'A-3', 'B-3'],
    ['A-4', 'B-4'],
    ['ROOT', 'MARK'],
  ])
  t.equal(restoreInput(five, parseIptablesSave(kernel.save())).text, '')

  rootBefore = kernel.chain('nat', 'KUBE-ROOT')!
  const changed = group(1, [{ target: { kind: 'RETURN' } }])
  const eight = ruleSet(Array.from({ length: 8 }, (_, n) => (n === 1 ? changed : group(n))))
  t.strictSame(
    writeBatches(kernel, eight, 3),
    [
      ['A-5', 'B-5'],
      ['A-6', 'B-6'],
      ['A-7', 'B-7'],
      ['ROOT', 'A-1'],
    ],
    'chains in use change in the last text',
  )
  t.equal(restoreInput(eight, parseIptablesSave(kernel.save())).text, '')
  t.end()
})

void t.test('Chains within the limit, or no chains, are one text', t => {
  const three = ruleSet([group(0), group(1), group(2)])
  t.equal(writeBatches(new MemoryTables(), three, 6).length, 1)
  t.equal(writeBatches(new MemoryTables(), three, Infinity).length, 1)
  t.equal(writeBatches(new MemoryTables(), ruleSet([]), 1).length, 1)
  t.end()
})

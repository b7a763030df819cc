import { AddressTree } from '../../../lib/netfilter/tree/address-tree.js'
import { observedAfter, restoreInput } from '../../../lib/netfilter/iptables-restore.js'
import { type Rule, type RuleSet } from '../../../lib/netfilter/rule-set.js'
import { NODE_IP } from '../../../test/support/nodes/node-network.js'
import { makeServices } from '../testbed/bench-service.js'
import { type MicroBench } from './micro-bench.js'

const SERVICES = 1000

/** From desired rules to the text for iptables-restore. */
export function ruleDiffBenches(): MicroBench[] {
  const entries = makeEntries(SERVICES)
  const tree = newTree()
  const found = observedAfter(ruleSet(tree, entries.slice(1)))
  const all = ruleSet(tree, entries)
  const size = `${SERVICES.toLocaleString('en')} Services`
  const texts = (count: number, from: Parameters<typeof restoreInput>[1]): void => {
    for (let n = 0; n < count; n++)
      if (restoreInput(all, from).text === '') throw new Error('there is nothing to write')
  }
  return [
    {
      name: 'rule text: tree of chains',
      operation: size,
      run(count) {
        for (let n = 0; n < count; n++) ruleSet(newTree(), entries)
      },
    },
    {
      name: 'rule text: the tree goes on',
      operation: `one of ${size}`,
      run(count) {
        for (let n = 0; n < count; n++) ruleSet(tree, n % 2 === 0 ? entries.slice(1) : entries)
      },
    },
    { name: 'rule text: from nothing', operation: size, run: count => texts(count, new Map()) },
    { name: 'rule text: one Service more', operation: `one of ${size}`, run: count => texts(count, found) },
  ]
}

interface Entry {
  readonly address: string
  readonly rules: readonly Rule[]
}

function newTree(): AddressTree<Entry> {
  return new AddressTree('KUBE-TREE-', 'IPv4', {
    addressOf: ({ address }) => address,
    rulesOf: entries => entries.flatMap(({ rules }) => rules),
  })
}

function makeEntries(services: number): Entry[] {
  return makeServices({ services, endpoints: 0 }).map(({ name, clusterIP, port, protocol }, n) => ({
    address: clusterIP,
    rules: [
      {
        comment: `default/${name}`,
        destination: clusterIP,
        protocol,
        destinationPort: port,
        target: { kind: 'DNAT' as const, address: NODE_IP, port: 30_000 + n },
      },
    ],
  }))
}

function ruleSet(tree: AddressTree<Entry>, entries: readonly Entry[]): RuleSet {
  const { root, chains } = tree.build(entries)
  const link = { comment: 'bench', target: { kind: 'jump' as const, chain: 'KUBE-PORTALS-CONTAINER' } }
  const nat = {
    chains: new Map([['KUBE-PORTALS-CONTAINER', root], ...chains]),
    links: [{ chain: 'PREROUTING', position: 'first' as const, rule: link }],
    ownedPrefixes: ['KUBE-TREE-'],
  }
  return { family: 'IPv4', tables: new Map([['nat', nat]]) }
}

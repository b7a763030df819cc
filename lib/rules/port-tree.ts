import { type Keyed, type RadixRules, radixTree } from './radix-tree.js'
import { LONGEST_CHAIN_NAME } from './prefix-names.js'
import { type Rule, type RuleTarget, type RuleTree } from './rule-set.js'

type Protocol = 'TCP' | 'UDP'

export interface Port {
  readonly protocol: Protocol
  readonly port: number
}

/** What is to be done with packets to one port. */
export interface PortRules extends Port {
  readonly rules: readonly Rule[]
}

/** As many as the multiport match takes (XT_MULTI_PORTS). */
const PORTS_IN_A_RULE = 15
/** A port with more rules gets a chain of its own. */
const MOST_IN_PLACE = 2
const DIGITS = 4
const LONGEST_BEGINNING = LONGEST_CHAIN_NAME - 'tcp-65520-65535'.length

interface Listed extends Keyed {
  readonly port: number
  readonly rules: readonly Rule[]
}

/**
 * Leads packets by their destination port to the rules of that port, as `addressTree` does by address:
 *
 *     (root)                        -p tcp --dport 28672:32767 -j KUBE-NP-tcp-28672-32767
 *     KUBE-NP-tcp-28672-32767       -p tcp --dport 30000 -j DNAT …
 *
 * Ranges begin and end at multiples of 16, 256 and 4096.
 *
 * @param beginning of the chains' names, such as `KUBE-NP-`; at most 13 characters
 * @param entries in any order; a port that comes twice has the rules of both
 */
export function portTree(beginning: string, entries: readonly PortRules[]): RuleTree {
  const ownChains = new Map<string, readonly Rule[]>()
  const trees = perProtocol(entries, (protocol, ofProtocol) => {
    const byPort = new Map<number, Rule[]>()
    for (const { port, rules } of ofProtocol) {
      const known = byPort.get(port) ?? []
      byPort.set(port, known)
      for (const rule of rules) known.push(forPort(rule, protocol, port))
    }
    const listed = [...byPort].map(([port, rules]): Listed => {
      if (rules.length <= MOST_IN_PLACE) return { key: digitsOf(port), port, rules }
      const chain = nameOf(beginning, protocol, port, port)
      ownChains.set(chain, rules)
      const jump: Rule = { protocol, destinationPort: port, target: { kind: 'jump', chain } }
      return { key: digitsOf(port), port, rules: [jump] }
    })
    return treeOf(beginning, protocol, listed, {
      list: group => group.flatMap(({ rules }) => rules),
      size: group => group.length,
    })
  })
  return joined(trees, ownChains)
}

/**
 * The same where one thing is to be done with packets to any of the ports: these are listed in groups.
 *
 *     KUBE-DOOR-tcp-32768-33023     -p tcp -m multiport --dports 32771,32780,… -j KUBE-PROXY-DOOR
 *
 * @param common what all these rules say besides
 */
export function portSetTree(
  beginning: string,
  ports: readonly Port[],
  target: RuleTarget,
  common: Omit<Rule, 'target' | 'protocol' | 'destinationPort' | 'destinationPorts'> = {},
): RuleTree {
  const trees = perProtocol(ports, (protocol, ofProtocol) => {
    const listed = [...new Set(ofProtocol.map(({ port }) => port))].map(port => ({ key: digitsOf(port), port }))
    return treeOf(beginning, protocol, listed, {
      list: group =>
        groups(group.map(({ port }) => port)).map(destinationPorts => ({
          ...common,
          protocol,
          destinationPorts,
          target,
        })),
      size: group => Math.ceil(group.length / PORTS_IN_A_RULE),
    })
  })
  return joined(trees)
}

function perProtocol<T extends Port>(
  entries: readonly T[],
  build: (protocol: Protocol, ofProtocol: readonly T[]) => RuleTree,
): RuleTree[] {
  return (['TCP', 'UDP'] as const).map(protocol => {
    const ofProtocol = entries.filter(entry => entry.protocol === protocol)
    return ofProtocol.length === 0 ? { root: [], chains: new Map() } : build(protocol, ofProtocol)
  })
}

function treeOf<T extends Keyed>(
  beginning: string,
  protocol: Protocol,
  listed: readonly T[],
  rules: Pick<RadixRules<T>, 'list' | 'size'>,
): RuleTree {
  const sorted = [...listed].sort((a, b) => (a.key < b.key ? -1 : 1))
  return radixTree(sorted, {
    ...rules,
    branch: digits => {
      const first = Number.parseInt(digits.padEnd(DIGITS, '0'), 16)
      const last = Number.parseInt(digits.padEnd(DIGITS, 'f'), 16)
      return {
        chain: nameOf(beginning, protocol, first, last),
        match: { protocol, destinationPort: { first, last } },
      }
    },
  })
}

function joined(trees: readonly RuleTree[], more: RuleTree['chains'] = new Map()): RuleTree {
  return {
    root: trees.flatMap(({ root }) => root),
    chains: new Map([...trees.flatMap(({ chains }) => [...chains]), ...more]),
  }
}

function forPort(rule: Rule, protocol: Protocol, port: number): Rule {
  const isIts = rule.protocol === protocol && rule.destinationPort === port
  return isIts ? rule : { ...rule, protocol, destinationPort: port }
}

function digitsOf(port: number): string {
  return port.toString(16).padStart(DIGITS, '0')
}

function nameOf(beginning: string, protocol: Protocol, first: number, last: number): string {
  if (beginning.length > LONGEST_BEGINNING) {
    throw new RangeError(`"${beginning}" has ${beginning.length} characters, above ${LONGEST_BEGINNING}`)
  }
  const range = first === last ? String(first) : `${first}-${last}`
  return `${beginning}${protocol.toLowerCase()}-${range}`
}

function groups(ports: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(ports.length / PORTS_IN_A_RULE) }, (_, index) =>
    ports.slice(index * PORTS_IN_A_RULE, (index + 1) * PORTS_IN_A_RULE),
  )
}

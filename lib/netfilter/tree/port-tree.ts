import { KeyedList } from '../../primitives/keyed-list.js'
import { MAX_CHAIN_NAME_LENGTH } from './prefix-names.js'
import { type Keyed } from '../../primitives/keyed-list.js'
import { type RadixRules, RadixTree } from './radix-tree.js'
import { type RuleList, ruleList, addListChains } from '../rule-list.js'
import { type Rule, type RuleTarget, type RuleTree } from '../rule-set.js'

type PortProtocol = 'TCP' | 'UDP'

export interface Port {
  readonly protocol: PortProtocol
  readonly port: number
}

const PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP']
/** As many as the multiport match takes (XT_MULTI_PORTS). */
const MAX_PORTS_PER_RULE = 15
const PORT_DIGITS = 4
const MAX_CHAIN_PREFIX_LENGTH = MAX_CHAIN_NAME_LENGTH - 'tcp-65520-65535'.length

/** What a tree is for the ports of one protocol. */
interface ProtocolTree<T, Thing extends Keyed & { readonly id: number }> {
  readonly protocol: PortProtocol
  readonly list: KeyedList<T, number, Thing>
  readonly radixTree: RadixTree<Thing>
}

/** How things of some kind become rules for packets to a port. */
export interface PortTreeRules<T> {
  protocolOf(thing: T): PortProtocol
  portOf(thing: T): number
  /** Of all things with one port; asked again only when these are not the same objects. */
  rulesOf(things: readonly T[]): readonly Rule[]
}

/**
 * Leads packets by their destination port to the rules of that port, as `AddressTree` does by address:
 *
 *     (root)                        -p tcp --dport 28672:32767 -j KUBE-NP-tcp-28672-32767
 *     KUBE-NP-tcp-28672-32767       -p tcp --dport 30000 -j DNAT …
 *
 * Ranges begin and end at multiples of 16, 256 and 4096.
 */
export class PortTree<T> {
  readonly #protocolOf: (thing: T) => PortProtocol
  readonly #protocolTrees: readonly ProtocolTree<T, RuleList<number>>[]

  /** @param beginning of the chains' names, such as `KUBE-NP-`; at most 13 characters */
  constructor(beginning: string, { protocolOf, portOf, rulesOf }: PortTreeRules<T>) {
    this.#protocolOf = protocolOf
    this.#protocolTrees = PROTOCOLS.map(protocol => ({
      protocol,
      list: new KeyedList(portOf, (port, things) => {
        const match = { protocol, destinationPort: port }
        const name = chainName(beginning, protocol, port, port)
        return ruleList(port, toHexDigits(port), rulesOf(things), match, () => name)
      }),
      radixTree: createRadixTree(beginning, protocol, {
        listRules: group => group.flatMap(({ rules }) => rules),
        listSize: group => group.length,
      }),
    }))
  }

  /** @param items in an order that changes little from time to time */
  build(items: readonly T[]): RuleTree {
    const byProtocol: Record<PortProtocol, T[]> = { TCP: [], UDP: [] }
    for (const thing of items) byProtocol[this.#protocolOf(thing)].push(thing)
    return joinTrees(
      this.#protocolTrees.map(({ protocol, list, radixTree }) => {
        const lists = list.update(byProtocol[protocol])
        return addListChains(radixTree.build(lists), lists)
      }),
    )
  }
}

/**
 * The same where one thing is to be done with packets to any of the ports: these are listed in groups.
 *
 *     KUBE-DOOR-tcp-32768-33023     -p tcp -m multiport --dports 32771,32780,… -j KUBE-PROXY-DOOR
 */
export class PortSetTree {
  readonly #protocolTrees: readonly ProtocolTree<Port, Keyed & { readonly id: number }>[]

  /** @param common what all these rules say besides */
  constructor(
    beginning: string,
    target: RuleTarget,
    common: Omit<Rule, 'target' | 'protocol' | 'destinationPort' | 'destinationPorts'> = {},
  ) {
    this.#protocolTrees = PROTOCOLS.map(protocol => ({
      protocol,
      list: new KeyedList(
        ({ port }) => port,
        port => ({ id: port, key: toHexDigits(port) }),
      ),
      radixTree: createRadixTree(beginning, protocol, {
        listRules: group =>
          chunkPorts(group.map(({ id }) => id)).map(destinationPorts => ({
            ...common,
            protocol,
            destinationPorts,
            target,
          })),
        listSize: group => Math.ceil(group.length / MAX_PORTS_PER_RULE),
      }),
    }))
  }

  build(ports: readonly Port[]): RuleTree {
    return joinTrees(
      this.#protocolTrees.map(({ protocol, list, radixTree }) =>
        radixTree.build(list.update(ports.filter(port => port.protocol === protocol))),
      ),
    )
  }
}

function createRadixTree<T extends Keyed>(
  chainPrefix: string,
  protocol: PortProtocol,
  rules: Pick<RadixRules<T>, 'listRules' | 'listSize'>,
): RadixTree<T> {
  return new RadixTree({
    ...rules,
    branch: digits => {
      const first = Number.parseInt(digits.padEnd(PORT_DIGITS, '0'), 16)
      const last = Number.parseInt(digits.padEnd(PORT_DIGITS, 'f'), 16)
      return {
        chain: chainName(chainPrefix, protocol, first, last),
        match: { protocol, destinationPort: { first, last } },
      }
    },
  })
}

function joinTrees(trees: readonly RuleTree[]): RuleTree {
  return {
    root: trees.flatMap(({ root }) => root),
    chains: new Map(trees.flatMap(({ chains }) => [...chains])),
  }
}

function toHexDigits(port: number): string {
  return port.toString(16).padStart(PORT_DIGITS, '0')
}

function chainName(chainPrefix: string, protocol: PortProtocol, first: number, last: number): string {
  if (chainPrefix.length > MAX_CHAIN_PREFIX_LENGTH) {
    throw new RangeError(`"${chainPrefix}" has ${chainPrefix.length} characters, above ${MAX_CHAIN_PREFIX_LENGTH}`)
  }
  const range = first === last ? String(first) : `${first}-${last}`
  return `${chainPrefix}${protocol.toLowerCase()}-${range}`
}

function chunkPorts(ports: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(ports.length / MAX_PORTS_PER_RULE) }, (_, index) =>
    ports.slice(index * MAX_PORTS_PER_RULE, (index + 1) * MAX_PORTS_PER_RULE),
  )
}

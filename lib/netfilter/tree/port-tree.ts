import { type Keyed, KeyedList } from '../../primitives/keyed-list.js'
import { MAX_CHAIN_NAME_LENGTH } from './prefix-names.js'
import { type RadixRules, RadixTree } from './radix-tree.js'
import { type RuleList, ruleList, addListChains } from '../rule-list.js'
import { type Rule, type RuleTarget, type RuleTree } from '../rule-set.js'

type PortProtocol = 'TCP' | 'UDP'

/** A port of one protocol. */
export interface Port {
  readonly protocol: PortProtocol
  readonly port: number
}

const PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP']
/** The limit of the multiport match (XT_MULTI_PORTS). */
const MAX_PORTS_PER_RULE = 15
const PORT_DIGITS = 4
const MAX_CHAIN_PREFIX_LENGTH = MAX_CHAIN_NAME_LENGTH - 'tcp-65520-65535'.length

/** The part of a tree for the ports of one protocol. */
interface ProtocolTree<T, Item extends Keyed & { readonly id: number }> {
  readonly protocol: PortProtocol
  readonly list: KeyedList<T, number, Item>
  readonly radixTree: RadixTree<Item>
}

/** How items become rules for packets to a port. */
export interface PortTreeRules<T> {
  protocolOf(item: T): PortProtocol
  portOf(item: T): number
  /** The rules of all items with one port; called again only if these are not the same objects. */
  rulesOf(items: readonly T[]): readonly Rule[]
}

/**
 * Leads a packet, by its destination port, to the rules of that port, as `AddressTree` does by address:
 *
 *     (root)                        -p tcp --dport 28672:32767 -j KUBE-NP-tcp-28672-32767
 *     KUBE-NP-tcp-28672-32767       -p tcp --dport 30000 -j DNAT …
 *
 * Ranges are aligned to 16, 256 and 4096 ports.
 */
export class PortTree<T> {
  readonly #protocolOf: (item: T) => PortProtocol
  readonly #protocolTrees: readonly ProtocolTree<T, RuleList<number>>[]

  /** @param chainPrefix the prefix of chain names, such as `KUBE-NP-`; at most 13 characters */
  constructor(chainPrefix: string, { protocolOf, portOf, rulesOf }: PortTreeRules<T>) {
    this.#protocolOf = protocolOf
    this.#protocolTrees = PROTOCOLS.map(protocol => ({
      protocol,
      list: new KeyedList(portOf, (port, items) => {
        const match = { protocol, destinationPort: port }
        const name = chainName(chainPrefix, protocol, port, port)
        return ruleList(port, toHexDigits(port), rulesOf(items), match, () => name)
      }),
      radixTree: createRadixTree(chainPrefix, protocol, {
        listRules: group => group.flatMap(({ rules }) => rules),
        listSize: group => group.length,
      }),
    }))
  }

  /** @param items in an order that changes little between calls */
  build(items: readonly T[]): RuleTree {
    const byProtocol: Record<PortProtocol, T[]> = { TCP: [], UDP: [] }
    for (const item of items) byProtocol[this.#protocolOf(item)].push(item)
    return joinTrees(
      this.#protocolTrees.map(({ protocol, list, radixTree }) => {
        const lists = list.update(byProtocol[protocol])
        return addListChains(radixTree.build(lists), lists)
      }),
    )
  }
}

/** The end of a packet's way whose port is looked at. */
type PortEnd = 'source' | 'destination'

/**
 * A tree that does the same with packets to any of its ports, or from any of them. The ports are listed in groups.
 *
 *     KUBE-DOOR-tcp-32768-33023     -p tcp -m multiport --dports 32771,32780,… -j KUBE-PROXY-DOOR
 */
export class PortSetTree {
  readonly #protocolTrees: readonly ProtocolTree<Port, Keyed & { readonly id: number }>[]

  /**
   * @param chainPrefix as of `PortTree`
   * @param common the comment and the other matches of all rules
   * @param end the packet's port to look at
   */
  constructor(
    chainPrefix: string,
    target: RuleTarget,
    common: Omit<Rule, 'target' | 'protocol' | `${PortEnd}Port` | `${PortEnd}Ports`> = {},
    end: PortEnd = 'destination',
  ) {
    this.#protocolTrees = PROTOCOLS.map(protocol => ({
      protocol,
      list: new KeyedList(
        ({ port }) => port,
        port => ({ id: port, key: toHexDigits(port) }),
      ),
      radixTree: createRadixTree(
        chainPrefix,
        protocol,
        {
          listRules: group =>
            chunkPorts(group.map(({ id }) => id)).map(ports => ({
              ...common,
              protocol,
              ...(end === 'source' ? { sourcePorts: ports } : { destinationPorts: ports }),
              target,
            })),
          listSize: group => Math.ceil(group.length / MAX_PORTS_PER_RULE),
        },
        end,
      ),
    }))
  }

  /** @param ports in an order that changes little between calls */
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
  end: PortEnd = 'destination',
): RadixTree<T> {
  return new RadixTree({
    ...rules,
    branch: digits => {
      const first = Number.parseInt(digits.padEnd(PORT_DIGITS, '0'), 16)
      const last = Number.parseInt(digits.padEnd(PORT_DIGITS, 'f'), 16)
      const ports = { first, last }
      return {
        chain: chainName(chainPrefix, protocol, first, last),
        match: { protocol, ...(end === 'source' ? { sourcePort: ports } : { destinationPort: ports }) },
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

import { Listing } from './listing.js'
import { LONGEST_CHAIN_NAME } from './prefix-names.js'
import { type Keyed, type RadixRules, RadixTree } from './radix-tree.js'
import { type RuleList, ruleList, withOwnChains } from './rule-list.js'
import { type Rule, type RuleTarget, type RuleTree } from './rule-set.js'

type Protocol = 'TCP' | 'UDP'

export interface Port {
  readonly protocol: Protocol
  readonly port: number
}

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP']
/** As many as the multiport match takes (XT_MULTI_PORTS). */
const PORTS_IN_A_RULE = 15
const DIGITS = 4
const LONGEST_BEGINNING = LONGEST_CHAIN_NAME - 'tcp-65520-65535'.length

/** What a tree is for the ports of one protocol. */
interface OfProtocol<T, Thing extends Keyed & { readonly id: number }> {
  readonly protocol: Protocol
  readonly listing: Listing<T, number, Thing>
  readonly radix: RadixTree<Thing>
}

/** How things of some kind become rules for packets to a port. */
export interface PortRules<T> {
  protocolOf(thing: T): Protocol
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
  readonly #protocolOf: (thing: T) => Protocol
  readonly #ofProtocols: readonly OfProtocol<T, RuleList<number>>[]

  /** @param beginning of the chains' names, such as `KUBE-NP-`; at most 13 characters */
  constructor(beginning: string, { protocolOf, portOf, rulesOf }: PortRules<T>) {
    this.#protocolOf = protocolOf
    this.#ofProtocols = PROTOCOLS.map(protocol => ({
      protocol,
      listing: new Listing(portOf, (port, things) => {
        const match = { protocol, destinationPort: port }
        const name = nameOf(beginning, protocol, port, port)
        return ruleList(port, digitsOf(port), rulesOf(things), match, () => name)
      }),
      radix: radixOf(beginning, protocol, {
        list: group => group.flatMap(({ rules }) => rules),
        size: group => group.length,
      }),
    }))
  }

  /** @param things in an order that changes little from time to time */
  of(things: readonly T[]): RuleTree {
    const ofProtocol: Record<Protocol, T[]> = { TCP: [], UDP: [] }
    for (const thing of things) ofProtocol[this.#protocolOf(thing)].push(thing)
    return joined(
      this.#ofProtocols.map(({ protocol, listing, radix }) => {
        const lists = listing.of(ofProtocol[protocol])
        return withOwnChains(radix.of(lists), lists)
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
  readonly #ofProtocols: readonly OfProtocol<Port, Keyed & { readonly id: number }>[]

  /** @param common what all these rules say besides */
  constructor(
    beginning: string,
    target: RuleTarget,
    common: Omit<Rule, 'target' | 'protocol' | 'destinationPort' | 'destinationPorts'> = {},
  ) {
    this.#ofProtocols = PROTOCOLS.map(protocol => ({
      protocol,
      listing: new Listing(
        ({ port }) => port,
        port => ({ id: port, key: digitsOf(port) }),
      ),
      radix: radixOf(beginning, protocol, {
        list: group =>
          groups(group.map(({ id }) => id)).map(destinationPorts => ({
            ...common,
            protocol,
            destinationPorts,
            target,
          })),
        size: group => Math.ceil(group.length / PORTS_IN_A_RULE),
      }),
    }))
  }

  of(ports: readonly Port[]): RuleTree {
    return joined(
      this.#ofProtocols.map(({ protocol, listing, radix }) =>
        radix.of(listing.of(ports.filter(port => port.protocol === protocol))),
      ),
    )
  }
}

function radixOf<T extends Keyed>(
  beginning: string,
  protocol: Protocol,
  rules: Pick<RadixRules<T>, 'list' | 'size'>,
): RadixTree<T> {
  return new RadixTree({
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

function joined(trees: readonly RuleTree[]): RuleTree {
  return {
    root: trees.flatMap(({ root }) => root),
    chains: new Map(trees.flatMap(({ chains }) => [...chains])),
  }
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

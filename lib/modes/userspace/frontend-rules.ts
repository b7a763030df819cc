import { type IpAddress, type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import {
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  PROXY_INVALID,
  TREE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { LINK_COMMENTS, linkToChain, invalidSegmentLinks } from '../../netfilter/link-to-chain.js'
import { type Link, type Rule, type RuleSet, type RuleTree } from '../../netfilter/rule-set.js'
import { InvalidSegmentFilter } from './invalid-segment-filter.js'
import { ProxyPortFilter, type ProxyPort, proxyPortLinks } from './proxy-port-filter.js'
import { type ResolvedFrontend } from './resolved-frontend.js'
import { FrontendTrees } from './frontend-trees.js'
import { type LocalMatch, type LocalTraffic } from '../../frontends/local-traffic.js'
import { Memo } from '../../primitives/memo.js'

/** Everything that the rules of userspace mode depend on, in one family. */
export interface FrontendRulesInput {
  /** In any order that changes little between calls: only what differs from the last call is processed. */
  readonly frontends: readonly ResolvedFrontend[]
  readonly localTraffic: LocalTraffic
  /** In such an order too; a port may occur more than once. */
  readonly proxyPorts: readonly ProxyPort[]
}

/**
 * Builds the rules of userspace mode for one family: they translate packets to a frontend into packets to a listener.
 *
 *     nat     PREROUTING ─▶ KUBE-PORTALS-CONTAINER … KUBE-NODEPORT-CONTAINER     packets from Pods and other hosts
 *             OUTPUT ─────▶ KUBE-PORTALS-HOST … KUBE-NODEPORT-HOST               packets of the node itself
 *     filter  INPUT, FORWARD, OUTPUT ─▶ KUBE-PORTALS-DROP                        packets to drop
 *             INPUT ─▶ KUBE-PROXY-PORTS ─▶ KUBE-PROXY-DOOR                       packets to the listeners
 *             INPUT, FORWARD, OUTPUT ─▶ KUBE-PROXY-INVALID                       segments of no connection
 *
 * Large sets are trees (`AddressTree`, `PortTree`): the first packet of a connection is compared with a few rules, however
 * many Services there are. Chains that are the same for both hooks exist once, and both hooks jump to them.
 *
 * Addresses come before node ports: some clouds make load-balancer IPs local addresses, and a node port of the same number
 * must not take their packets.
 *
 * A chain is the same object as in the last result unless a frontend or proxy port that it depends on changed.
 */
export class FrontendRules {
  readonly #family: IpFamily
  readonly #proxyPortFilter = new ProxyPortFilter()
  readonly #invalidSegments: InvalidSegmentFilter
  readonly #trees: Memo<readonly LocalMatch[], FrontendTrees>

  constructor(family: IpFamily) {
    this.#family = family
    this.#invalidSegments = new InvalidSegmentFilter(family)
    this.#trees = new Memo(localMatches => new FrontendTrees(family, localMatches))
  }

  /** Builds the complete rules. */
  build({ frontends, localTraffic: { localMatches, nodePortAddresses }, proxyPorts }: FrontendRulesInput): RuleSet {
    const { addresses, nodePorts } = this.#trees.get(localMatches).build(frontends)
    const fromNode = [...nodePorts.leaving.root, ...nodePorts.shared.root]
    const nat = new Map<string, readonly Rule[]>([
      ...chainsOf(addresses.shared, addresses.arriving, addresses.leaving),
      ...chainsOf(nodePorts.shared, nodePorts.arriving, nodePorts.leaving),
      [PORTALS_CONTAINER, [...addresses.arriving.root, ...addresses.shared.root]],
      [PORTALS_HOST, [...addresses.leaving.root, ...addresses.shared.root]],
      [NODEPORT_CONTAINER, atAddresses(nodePortAddresses, [...nodePorts.arriving.root, ...nodePorts.shared.root])],
      [NODEPORT_HOST, exceptLoopback(this.#family, atAddresses(nodePortAddresses, fromNode))],
    ])
    const filter = new Map<string, readonly Rule[]>([
      ...chainsOf(addresses.dropped, nodePorts.dropped),
      [
        PORTALS_DROP,
        [
          ...addresses.dropped.root,
          ...exceptLoopback(this.#family, atAddresses(nodePortAddresses, nodePorts.dropped.root)),
        ],
      ],
      ...this.#proxyPortFilter.build(proxyPorts),
      ...this.#invalidSegments.build(frontends, proxyPorts),
    ])
    const tables = new Map([
      ['nat', { chains: nat, links: NAT_LINKS, ownedPrefixes: TREE_PREFIXES.get('nat')! }],
      ['filter', { chains: filter, links: FILTER_LINKS, ownedPrefixes: TREE_PREFIXES.get('filter')! }],
    ])
    return { family: this.#family, tables }
  }
}

function chainsOf(...trees: readonly RuleTree[]): (readonly [string, readonly Rule[]])[] {
  return trees.flatMap(({ chains }) => [...chains])
}

/** Node port rules for packets of the node itself, except on loopback: a listener on the node port serves those. */
function exceptLoopback(family: IpFamily, rules: readonly Rule[]): readonly Rule[] {
  if (rules.length === 0) return []
  return [
    { comment: 'loopback is served by a listener', source: LOOPBACK[family], target: { kind: 'RETURN' } },
    ...rules,
  ]
}

/** Jumps of other programs may stay above a link of table nat: as with kube-proxy, such a program sees packets first. */
const ABOVE_VERDICTS = { staysAbove: 'verdicts' } as const
const TO_NODE_PORT = { comment: LINK_COMMENTS.userspaceNodePorts, toThisNode: true } as const
const NAT_LINKS: readonly Link[] = [
  linkToChain('PREROUTING', PORTALS_CONTAINER, { comment: LINK_COMMENTS.frontends }, ABOVE_VERDICTS),
  linkToChain('OUTPUT', PORTALS_HOST, { comment: LINK_COMMENTS.frontends }, ABOVE_VERDICTS),
  linkToChain('PREROUTING', NODEPORT_CONTAINER, TO_NODE_PORT, { position: 'last' }),
  linkToChain('OUTPUT', NODEPORT_HOST, TO_NODE_PORT, { position: 'last' }),
]
/**
 * Table nat sees only the first packet of a connection. Table filter sees all packets, so the links match new connections
 * only.
 */
const DROP_MATCH = { comment: LINK_COMMENTS.onOtherNodes, connection: 'NEW' } as const
const FILTER_LINKS: readonly Link[] = [
  ...['INPUT', 'FORWARD', 'OUTPUT'].map(chain =>
    linkToChain(chain, PORTALS_DROP, DROP_MATCH, { staysAbove: 'acceptance' }),
  ),
  ...proxyPortLinks(),
  ...invalidSegmentLinks(PROXY_INVALID, ['INPUT', 'FORWARD', 'OUTPUT']),
]

/** Repeats the rules for each address; undefined: the rules apply to all addresses. */
function atAddresses(addresses: readonly IpAddress[] | undefined, rules: readonly Rule[]): readonly Rule[] {
  if (addresses === undefined) return rules
  return addresses.flatMap(destination => rules.map(rule => ({ ...rule, destination })))
}

import { type IpAddress, type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import {
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  TREE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { type Link, type Rule, type RuleSet, type RuleTree } from '../../netfilter/rule-set.js'
import { ProxyPortFilter, type ProxyPort, proxyPortLinks } from './proxy-port-filter.js'
import { type ResolvedFrontend } from './resolved-frontend.js'
import { FrontendTrees } from './frontend-trees.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'

/** Everything that the rules of one family depend on. */
export interface FrontendRulesInput {
  /** In any order, but such that those that stay keep theirs: only what differs from last time is looked at. */
  readonly frontends: readonly ResolvedFrontend[]
  readonly localTraffic: LocalTraffic
  /** Of our listeners, the same; one may come more than once. */
  readonly proxyPorts: readonly ProxyPort[]
}

/** Comments of the links, as the original writes them. */
const PORTALS_COMMENT = 'handle ClusterIPs; NOTE: this must be before the NodePort rules'
const NODEPORTS_COMMENT = 'handle service NodePorts; NOTE: this must be the last rule in the chain'

/**
 * The rules of userspace mode for one family: packets to a portal are turned to a listener.
 *
 *     nat     PREROUTING ─▶ KUBE-PORTALS-CONTAINER … KUBE-NODEPORT-CONTAINER     what comes in: from Pods, other hosts
 *             OUTPUT ─────▶ KUBE-PORTALS-HOST … KUBE-NODEPORT-HOST               what starts on the node itself
 *     filter  INPUT, FORWARD, OUTPUT ─▶ KUBE-PORTALS-DROP                        what was turned nowhere on purpose
 *             INPUT ─▶ KUBE-PROXY-PORTS ─▶ KUBE-PROXY-DOOR                       who may come in to the listeners
 *
 * Large sets are trees (`AddressTree`, `PortTree`): the first packet of a connection is compared with a few rules, however
 * many Services there are. What is the same for both hooks is there once, and both lead to it.
 *
 * Addresses come first and node ports last: where a cloud makes load-balancer addresses local ones, a node port of the same
 * number must not steal their packets.
 *
 * Chains are the same objects as last time unless a portal or proxy port that they depend on is another one.
 */
export class FrontendRules {
  readonly #family: IpFamily
  readonly #proxyPortFilter = new ProxyPortFilter()
  #trees: FrontendTrees
  #localMatchesFingerprint = '[]'

  constructor(family: IpFamily) {
    this.#family = family
    this.#trees = new FrontendTrees(family, [])
  }

  build({ frontends, localTraffic: { localMatches, nodePortAddresses }, proxyPorts }: FrontendRulesInput): RuleSet {
    const fingerprint = JSON.stringify(localMatches)
    if (fingerprint !== this.#localMatchesFingerprint) this.#trees = new FrontendTrees(this.#family, localMatches)
    this.#localMatchesFingerprint = fingerprint
    const { addresses, nodePorts } = this.#trees.build(frontends)
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

/** Rules of node ports for what the node itself sends: on loopback it is neither led anywhere nor dropped. */
function exceptLoopback(family: IpFamily, rules: readonly Rule[]): readonly Rule[] {
  if (rules.length === 0) return []
  return [
    { comment: 'loopback is served by a listener', source: LOOPBACK[family], target: { kind: 'RETURN' } },
    ...rules,
  ]
}

function link(
  chain: string,
  position: Link['position'],
  comment: string,
  target: string,
  match: Pick<Rule, 'toThisNode' | 'connection'> = {},
): Link {
  return { chain, position, rule: { comment, ...match, target: { kind: 'jump', chain: target } } }
}

const NAT_LINKS: readonly Link[] = [
  link('PREROUTING', 'first', PORTALS_COMMENT, PORTALS_CONTAINER),
  link('OUTPUT', 'first', PORTALS_COMMENT, PORTALS_HOST),
  link('PREROUTING', 'last', NODEPORTS_COMMENT, NODEPORT_CONTAINER, { toThisNode: true }),
  link('OUTPUT', 'last', NODEPORTS_COMMENT, NODEPORT_HOST, { toThisNode: true }),
]
/** Unlike nat, which sees first packets only, filter sees every packet of everybody: what goes on is let past. */
const FILTER_LINKS: readonly Link[] = [
  ...['INPUT', 'FORWARD', 'OUTPUT'].map(chain =>
    link(chain, 'first', 'Services whose endpoints are on other nodes only', PORTALS_DROP, { connection: 'NEW' }),
  ),
  ...proxyPortLinks(),
]

/** The rules at each of the addresses; as they are where every address is meant. */
function atAddresses(addresses: readonly IpAddress[] | undefined, rules: readonly Rule[]): readonly Rule[] {
  if (addresses === undefined) return rules
  return addresses.flatMap(destination => rules.map(rule => ({ ...rule, destination })))
}

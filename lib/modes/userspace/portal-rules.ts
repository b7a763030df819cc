import { type IpAddress, type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import {
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  TREE_PREFIXES,
} from '../../rules/chain-names.js'
import { type Link, type Rule, type RuleSet, type RuleTree } from '../../rules/rule-set.js'
import { DoorChains, type ProxyPort, doorLinks } from './door-chains.js'
import { type LedPortal } from './led-portal.js'
import { PortalTrees } from './portal-trees.js'
import { type Surroundings } from '../surroundings.js'

/** Everything that the rules of one family depend on. */
export interface RulePlan {
  /** In any order, but such that those that stay keep theirs: only what differs from last time is looked at. */
  readonly portals: readonly LedPortal[]
  readonly surroundings: Surroundings
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
export class PortalRules {
  readonly #family: IpFamily
  readonly #doors = new DoorChains()
  #trees: PortalTrees
  #fromPodsSaid = '[]'

  constructor(family: IpFamily) {
    this.#family = family
    this.#trees = new PortalTrees(family, [])
  }

  of({ portals, surroundings: { fromPods, nodePortAddresses }, proxyPorts }: RulePlan): RuleSet {
    const said = JSON.stringify(fromPods)
    if (said !== this.#fromPodsSaid) this.#trees = new PortalTrees(this.#family, fromPods)
    this.#fromPodsSaid = said
    const { addresses, nodePorts } = this.#trees.of(portals)
    const fromNode = [...nodePorts.leaving.root, ...nodePorts.shared.root]
    const nat = new Map<string, readonly Rule[]>([
      ...chainsOf(addresses.shared, addresses.arriving, addresses.leaving),
      ...chainsOf(nodePorts.shared, nodePorts.arriving, nodePorts.leaving),
      [PORTALS_CONTAINER, [...addresses.arriving.root, ...addresses.shared.root]],
      [PORTALS_HOST, [...addresses.leaving.root, ...addresses.shared.root]],
      [NODEPORT_CONTAINER, atEach(nodePortAddresses, [...nodePorts.arriving.root, ...nodePorts.shared.root])],
      [NODEPORT_HOST, besidesLoopback(this.#family, atEach(nodePortAddresses, fromNode))],
    ])
    const filter = new Map<string, readonly Rule[]>([
      ...chainsOf(addresses.dropped, nodePorts.dropped),
      [
        PORTALS_DROP,
        [
          ...addresses.dropped.root,
          ...besidesLoopback(this.#family, atEach(nodePortAddresses, nodePorts.dropped.root)),
        ],
      ],
      ...this.#doors.of(proxyPorts),
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
function besidesLoopback(family: IpFamily, rules: readonly Rule[]): readonly Rule[] {
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
  ...doorLinks(),
]

/** The rules at each of the addresses; as they are where every address is meant. */
function atEach(addresses: readonly IpAddress[] | undefined, rules: readonly Rule[]): readonly Rule[] {
  if (addresses === undefined) return rules
  return addresses.flatMap(destination => rules.map(rule => ({ ...rule, destination })))
}

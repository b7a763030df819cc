import { type IpAddress, type IpFamily, unspecifiedAddress } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import { servicePortName } from '../../model/service-port.js'
import {
  NODEPORT_CONTAINER,
  NODEPORT_HOST,
  PORTALS_CONTAINER,
  PORTALS_DROP,
  PORTALS_HOST,
  TREE_PREFIXES,
} from '../../rules/chain-names.js'
import { addressTree } from '../../rules/address-tree.js'
import { portTree } from '../../rules/port-tree.js'
import { type Link, type Rule, type RuleSet, type RuleTarget, type RuleTree } from '../../rules/rule-set.js'
import { type ProxyPort, doorChains, doorLinks } from './door-chains.js'
import { type Portal } from './portals.js'
import { type FromPod, type Surroundings } from './surroundings.js'

/** Where packets are led: a listener, or nowhere. */
export type PortalTarget = { readonly address: IpAddress; readonly port: number } | 'drop'

/** A portal, with the listeners that its actions have come to mean. */
export interface LedPortal {
  readonly portal: Portal
  readonly fromNode: PortalTarget
  readonly fromPods: PortalTarget
  readonly fromElsewhere: PortalTarget
}

/** Everything that the rules of one family depend on. */
export interface RulePlan {
  /** In the order in which their rules stand; give them sorted, so that equal sets make equal text. */
  readonly portals: readonly LedPortal[]
  readonly surroundings: Surroundings
  /** Of our listeners, sorted. */
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
 * Large sets are trees (`addressTree`, `portTree`): the first packet of a connection is compared with a few rules, however
 * many Services there are. What is the same for both hooks is there once, and both lead to it.
 *
 * Addresses come first and node ports last: where a cloud makes load-balancer addresses local ones, a node port of the same
 * number must not steal their packets.
 */
export function portalRules(family: IpFamily, { portals, surroundings, proxyPorts }: RulePlan): RuleSet {
  const { fromPods, nodePortAddresses } = surroundings
  const atAddress = portals.filter(({ portal }) => portal.address !== undefined)
  const atNode = portals.filter(({ portal }) => portal.address === undefined)
  const byAddress = (beginning: string, led: readonly LedPortal[], rulesOf: (led: LedPortal) => Rule[]): RuleTree =>
    addressTree(
      beginning,
      entries(led, rulesOf, ({ address }) => ({ address: address! })),
    )
  const byPort = (beginning: string, led: readonly LedPortal[], rulesOf: (led: LedPortal) => Rule[]): RuleTree =>
    portTree(
      beginning,
      entries(led, rulesOf, ({ servicePort, port }) => ({ protocol: protocolOf(servicePort), port })),
    )
  const arriving = (led: LedPortal): Rule[] => rulesOfArriving(led, fromPods)

  const shared = byAddress('KUBE-ADDR-', atAddress.filter(isUniform), rulesOfLeaving)
  const special = atAddress.filter(led => !isUniform(led))
  const [toAddress, fromHere] = [
    byAddress('KUBE-IN-', special, arriving),
    byAddress('KUBE-OUT-', special, rulesOfLeaving),
  ]
  const nodePorts = byPort('KUBE-NP-', atNode.filter(isUniform), rulesOfLeaving)
  const specialPorts = atNode.filter(led => !isUniform(led))
  const [toPort, fromHerePort] = [
    byPort('KUBE-NPI-', specialPorts, arriving),
    byPort('KUBE-NPO-', specialPorts, rulesOfLeaving),
  ]
  const drops = portals.filter(led => [led.fromNode, led.fromPods, led.fromElsewhere].includes('drop'))
  const ruleOfDrop = (led: LedPortal): Rule[] => [dropRule(led)]
  const dropsAtNode = drops.filter(({ portal }) => portal.address === undefined)
  const droppedAddresses = byAddress(
    'KUBE-DROP-',
    drops.filter(({ portal }) => portal.address !== undefined),
    ruleOfDrop,
  )
  const droppedPorts = byPort('KUBE-DROP-NP-', dropsAtNode, ruleOfDrop)
  const door = doorChains(proxyPorts)

  const nat = chainsOf(shared, toAddress, fromHere, nodePorts, toPort, fromHerePort)
    .set(PORTALS_CONTAINER, [...toAddress.root, ...shared.root])
    .set(PORTALS_HOST, [...fromHere.root, ...shared.root])
    .set(NODEPORT_CONTAINER, atEach(nodePortAddresses, [...toPort.root, ...nodePorts.root]))
    .set(NODEPORT_HOST, [
      ...loopbackRules(family, atNode),
      ...atEach(nodePortAddresses, [...fromHerePort.root, ...nodePorts.root]),
    ])
  const filter = chainsOf(droppedAddresses, droppedPorts).set(PORTALS_DROP, [
    ...droppedAddresses.root,
    ...loopbackRules(family, dropsAtNode),
    ...atEach(nodePortAddresses, droppedPorts.root),
  ])
  const tables = new Map([
    ['nat', { chains: nat, links: NAT_LINKS, ownedPrefixes: TREE_PREFIXES.get('nat')! }],
    [
      'filter',
      {
        chains: new Map([...filter, ...door]),
        links: [...DROP_LINKS, ...doorLinks()],
        ownedPrefixes: TREE_PREFIXES.get('filter')!,
      },
    ],
  ])
  return { family, tables }
}

/** Those portals that have rules, as a tree takes them. */
function entries<T>(
  led: readonly LedPortal[],
  rulesOf: (led: LedPortal) => Rule[],
  place: (portal: Portal) => T,
): (T & { rules: Rule[] })[] {
  return led.map(one => ({ ...place(one.portal), rules: rulesOf(one) })).filter(({ rules }) => rules.length > 0)
}

function chainsOf(...trees: readonly RuleTree[]): Map<string, readonly Rule[]> {
  return new Map(trees.flatMap(({ chains }) => [...chains]))
}

/** Led to the same listener wherever a packet comes from: both hooks can then share its rules. */
function isUniform({ fromNode, fromPods, fromElsewhere }: LedPortal): boolean {
  return sameTarget(fromNode, fromPods) && sameTarget(fromPods, fromElsewhere)
}

/** To stand before rules of node ports: on loopback they are neither led anywhere nor dropped. */
function loopbackRules(family: IpFamily, nodePorts: readonly LedPortal[]): Rule[] {
  if (nodePorts.length === 0) return []
  return [{ comment: 'loopback is served by a listener', source: LOOPBACK[family], target: { kind: 'RETURN' } }]
}

function protocolOf({ protocol }: Portal['servicePort']): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP'
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
const DROP_LINKS: readonly Link[] = ['INPUT', 'FORWARD', 'OUTPUT'].map(chain =>
  link(chain, 'first', 'Services whose endpoints are on other nodes only', PORTALS_DROP, { connection: 'NEW' }),
)

/** The rules at each of the addresses; as they are where every address is meant. */
function atEach(addresses: readonly IpAddress[] | undefined, rules: readonly Rule[]): readonly Rule[] {
  if (addresses === undefined) return rules
  return addresses.flatMap(destination => rules.map(rule => ({ ...rule, destination })))
}

/** What comes in: first what Pods send, where that is treated differently, then everything else. */
function rulesOfArriving(led: LedPortal, fromPods: readonly FromPod[]): Rule[] {
  const ofPods = sameTarget(led.fromPods, led.fromElsewhere)
    ? []
    : fromPods.flatMap(match => ruleTo(led.portal, led.fromPods, match))
  return [...ofPods, ...ruleTo(led.portal, led.fromElsewhere)]
}

function rulesOfLeaving(led: LedPortal): Rule[] {
  return ruleTo(led.portal, led.fromNode)
}

/** What is dropped is not turned anywhere, and meets its rule in the filter table as it was sent. */
function ruleTo(portal: Portal, target: PortalTarget, from?: FromPod): Rule[] {
  if (target === 'drop') return []
  return [{ ...matchOf(portal), ...from, target: portalTarget(portal.servicePort.family, target.address, target.port) }]
}

/** A node port is one only at the node's own addresses: what passes through to a port of that number is not ours. */
function dropRule({ portal }: LedPortal): Rule {
  return { ...matchOf(portal), ...(portal.address === undefined && { toThisNode: true }), target: { kind: 'DROP' } }
}

function matchOf({ servicePort, address, port }: Portal): Omit<Rule, 'target'> {
  return {
    comment: servicePortName(servicePort),
    ...(address === undefined ? {} : { destination: address }),
    protocol: protocolOf(servicePort),
    destinationPort: port,
  }
}

function sameTarget(a: PortalTarget, b: PortalTarget): boolean {
  return a === b || (a !== 'drop' && b !== 'drop' && a.address === b.address && a.port === b.port)
}

/**
 * DNAT to the node's address, or REDIRECT where the node has none to lead to (docs/decisions/0001).
 *
 * REDIRECT turns a packet to whatever the first address of the interface is that it came in by: none, behind a Pod
 * interface without address, and 127.0.0.1 for the node's own packets; the answer of a UDP listener then leaves from an
 * address that conntrack does not expect, and the client drops it. DNAT to one address, on which the listener is bound,
 * has none of that.
 */
function portalTarget(family: IpFamily, address: IpAddress, port: number): RuleTarget {
  return address === unspecifiedAddress(family) ? { kind: 'REDIRECT', port } : { kind: 'DNAT', address, port }
}

import { type IpFamily } from '../../model/address.js'
import { AddressTree } from '../../netfilter/tree/address-tree.js'
import { PortTree } from '../../netfilter/tree/port-tree.js'
import { type Rule, type RuleTree } from '../../netfilter/rule-set.js'
import {
  type ResolvedFrontend,
  isDropped,
  isUniform,
  protocolOf,
  arrivingRules,
  droppedRules,
  leavingRules,
} from './resolved-frontend.js'
import { type LocalMatch } from '../../frontends/local-traffic.js'

/**
 * One tree for frontends whose target is the same for all packets, two for those whose target depends on the packet's source,
 * and one for packets to drop.
 */
type TreeName = 'shared' | 'arriving' | 'leaving' | 'dropped'
type Trees = Readonly<Record<TreeName, { build(frontends: readonly ResolvedFrontend[]): RuleTree }>>

type BuildRules = (resolved: ResolvedFrontend) => readonly Rule[]

/** Builds the trees of frontends: one set for addresses, and one for node ports. */
export class FrontendTrees {
  readonly #addresses: Trees
  readonly #nodePorts: Trees

  constructor(family: IpFamily, localMatches: readonly LocalMatch[]) {
    const addressTree = (chainPrefix: string, rulesOf: BuildRules): AddressTree<ResolvedFrontend> =>
      new AddressTree(chainPrefix, family, {
        addressOf: ({ frontend }) => frontend.address!,
        rulesOf: sortByKey(rulesOf),
      })
    const portTree = (chainPrefix: string, rulesOf: BuildRules): PortTree<ResolvedFrontend> =>
      new PortTree(chainPrefix, {
        protocolOf: ({ frontend }) => protocolOf(frontend.servicePort),
        portOf: ({ frontend }) => frontend.port,
        rulesOf: sortByKey(rulesOf),
      })
    const arriving: BuildRules = resolved => arrivingRules(resolved, localMatches)
    this.#addresses = {
      shared: addressTree('KUBE-ADDR-', leavingRules),
      arriving: addressTree('KUBE-IN-', arriving),
      leaving: addressTree('KUBE-OUT-', leavingRules),
      dropped: addressTree('KUBE-DROP-', droppedRules),
    }
    this.#nodePorts = {
      shared: portTree('KUBE-NP-', leavingRules),
      arriving: portTree('KUBE-NPI-', arriving),
      leaving: portTree('KUBE-NPO-', leavingRules),
      dropped: portTree('KUBE-DROP-NP-', droppedRules),
    }
  }

  /** @param frontends in an order that changes little between calls */
  build(frontends: readonly ResolvedFrontend[]): Record<'addresses' | 'nodePorts', Record<TreeName, RuleTree>> {
    const atAddress: ResolvedFrontend[] = []
    const atNode: ResolvedFrontend[] = []
    for (const resolved of frontends) (resolved.frontend.address === undefined ? atNode : atAddress).push(resolved)
    return { addresses: buildTrees(this.#addresses, atAddress), nodePorts: buildTrees(this.#nodePorts, atNode) }
  }
}

/** The rules of all frontends at one address or port, sorted by name, so that equal sets make equal text. */
function sortByKey(rulesOf: BuildRules): (frontends: readonly ResolvedFrontend[]) => readonly Rule[] {
  return frontends =>
    frontends.length === 1
      ? rulesOf(frontends[0]!)
      : [...frontends].sort((a, b) => (frontendKey(a) < frontendKey(b) ? -1 : 1)).flatMap(rulesOf)
}

function frontendKey({ frontend }: ResolvedFrontend): string {
  return `${frontend.servicePort.key} ${frontend.name}`
}

function buildTrees(trees: Trees, frontends: readonly ResolvedFrontend[]): Record<TreeName, RuleTree> {
  const nonUniform = frontends.filter(resolved => !isUniform(resolved))
  return {
    shared: trees.shared.build(frontends.filter(isUniform)),
    arriving: trees.arriving.build(nonUniform),
    leaving: trees.leaving.build(nonUniform),
    dropped: trees.dropped.build(frontends.filter(isDropped)),
  }
}

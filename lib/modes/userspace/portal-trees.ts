import { type IpFamily } from '../../model/address.js'
import { AddressTree } from '../../rules/address-tree.js'
import { PortTree } from '../../rules/port-tree.js'
import { type Rule, type RuleTree } from '../../rules/rule-set.js'
import {
  type LedPortal,
  isDropped,
  isUniform,
  protocolOf,
  rulesOfArriving,
  rulesOfDropped,
  rulesOfLeaving,
} from './led-portal.js'
import { type FromPod } from '../surroundings.js'

/** One for what is led alike wherever it comes from, two for what is not, and one for what is dropped. */
type Name = 'shared' | 'arriving' | 'leaving' | 'dropped'
type Trees = Readonly<Record<Name, { of(portals: readonly LedPortal[]): RuleTree }>>

type RulesOf = (led: LedPortal) => readonly Rule[]

/** Portals as trees: those at addresses, and those at node ports. */
export class PortalTrees {
  readonly #addresses: Trees
  readonly #nodePorts: Trees

  constructor(family: IpFamily, fromPods: readonly FromPod[]) {
    const addressTree = (beginning: string, rulesOf: RulesOf): AddressTree<LedPortal> =>
      new AddressTree(beginning, family, { addressOf: ({ portal }) => portal.address!, rulesOf: sorted(rulesOf) })
    const portTree = (beginning: string, rulesOf: RulesOf): PortTree<LedPortal> =>
      new PortTree(beginning, {
        protocolOf: ({ portal }) => protocolOf(portal.servicePort),
        portOf: ({ portal }) => portal.port,
        rulesOf: sorted(rulesOf),
      })
    const arriving: RulesOf = led => rulesOfArriving(led, fromPods)
    this.#addresses = {
      shared: addressTree('KUBE-ADDR-', rulesOfLeaving),
      arriving: addressTree('KUBE-IN-', arriving),
      leaving: addressTree('KUBE-OUT-', rulesOfLeaving),
      dropped: addressTree('KUBE-DROP-', rulesOfDropped),
    }
    this.#nodePorts = {
      shared: portTree('KUBE-NP-', rulesOfLeaving),
      arriving: portTree('KUBE-NPI-', arriving),
      leaving: portTree('KUBE-NPO-', rulesOfLeaving),
      dropped: portTree('KUBE-DROP-NP-', rulesOfDropped),
    }
  }

  of(portals: readonly LedPortal[]): Record<'addresses' | 'nodePorts', Record<Name, RuleTree>> {
    const atAddress: LedPortal[] = []
    const atNode: LedPortal[] = []
    for (const led of portals) (led.portal.address === undefined ? atNode : atAddress).push(led)
    return { addresses: treesOf(this.#addresses, atAddress), nodePorts: treesOf(this.#nodePorts, atNode) }
  }
}

/** The rules of all portals at one place, in the order of their names, so that equal sets make equal text. */
function sorted(rulesOf: RulesOf): (portals: readonly LedPortal[]) => readonly Rule[] {
  return portals =>
    portals.length === 1
      ? rulesOf(portals[0]!)
      : [...portals].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).flatMap(rulesOf)
}

function nameOf({ portal }: LedPortal): string {
  return `${portal.servicePort.key} ${portal.name}`
}

function treesOf(trees: Trees, portals: readonly LedPortal[]): Record<Name, RuleTree> {
  const special = portals.filter(led => !isUniform(led))
  return {
    shared: trees.shared.of(portals.filter(isUniform)),
    arriving: trees.arriving.of(special),
    leaving: trees.leaving.of(special),
    dropped: trees.dropped.of(portals.filter(isDropped)),
  }
}

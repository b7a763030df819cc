import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type ChainGroup, type Rule, type RuleSet } from '../../rules/rule-set.js'
import { sameItems } from '../../rules/same-items.js'
import { type Portal } from '../portals.js'
import { type Surroundings } from '../surroundings.js'
import { type FixedRules, fixedRules, tablesOf } from './fixed-rules.js'
import { type DispatchChain, type PortRules, portRules } from './port-rules.js'
import { type IptablesSettings, type RuleContext } from './rule-context.js'

/** With more endpoints than this, rules of endpoints carry no comments (largeClusterEndpointsThreshold of kube-proxy). */
const LARGE_CLUSTER_ENDPOINTS = 1000

/** Everything that the rules of one family depend on besides the settings. */
export interface PlanInput {
  /** Service ports of the family. */
  readonly ports: readonly ServedPort[]
  /** Served portals of any family; the same array while nothing of them changed. */
  readonly portals: readonly Portal[]
  readonly surroundings: Surroundings
  /** The node's main address; undefined when it has none of the family. */
  readonly nodeAddress: IpAddress | undefined
  readonly localhostNodePorts: boolean
}

/** The rules of one service port, and what they were made from. */
interface Page {
  readonly served: ServedPort
  readonly portals: readonly Portal[]
  readonly rules: PortRules
}

const DISPATCH: readonly DispatchChain[] = [
  ...(['addresses', 'nodePorts', 'unservedInside', 'unservedOutside', 'firewall', 'healthChecks'] as const),
]
const NO_PORTALS: readonly Portal[] = []

/**
 * The rules of iptables mode for one family. What it made it remembers: a service port that is as before keeps its chains,
 * and a list of rules keeps its identity while nothing in it changes, so that a change costs what changed.
 */
export class IptablesPlan {
  readonly #family: IpFamily
  readonly #settings: IptablesSettings
  #contextSaid = ''
  #context: RuleContext | undefined
  #fixed: FixedRules | undefined
  #portals: readonly Portal[] = []
  #ofPort: ReadonlyMap<ServicePortKey, readonly Portal[]> = new Map()
  #pages: ReadonlyMap<ServicePortKey, Page> = new Map()
  readonly #lists = new Map<DispatchChain, RuleJoin>(DISPATCH.map(name => [name, new RuleJoin()]))

  constructor(family: IpFamily, settings: IptablesSettings) {
    this.#family = family
    this.#settings = settings
  }

  of(input: PlanInput): RuleSet {
    const { context, fixed } = this.#contextOf(input)
    if (input.portals !== this.#portals) this.#sortPortals(input.portals)
    const pages = new Map<ServicePortKey, Page>()
    const groups: ChainGroup[] = []
    for (const served of input.ports) {
      const page = this.#pageOf(served, context)
      pages.set(served.servicePort.key, page)
      groups.push(page.rules.chains)
    }
    this.#pages = pages
    const dispatch = Object.fromEntries(
      DISPATCH.map(name => {
        const lists = [...pages.values()].map(({ rules }) => rules.dispatch[name])
        return [name, this.#lists.get(name)!.of(name === 'addresses' ? [...lists, fixed.toNodePorts] : lists)]
      }),
    ) as Record<DispatchChain, readonly Rule[]>
    return { family: this.#family, tables: tablesOf(fixed, dispatch, groups) }
  }

  #contextOf({ ports, surroundings, nodeAddress, localhostNodePorts }: PlanInput) {
    const endpoints = ports.reduce((sum, served) => sum + served.endpoints.length, 0)
    const context: RuleContext = {
      ...surroundings,
      family: this.#family,
      masqueradeAll: this.#settings.masqueradeAll,
      nodeAddress,
      localhostNodePorts,
      saysEndpoints: endpoints <= LARGE_CLUSTER_ENDPOINTS,
    }
    const said = JSON.stringify(context)
    if (said !== this.#contextSaid || this.#context === undefined || this.#fixed === undefined) {
      this.#contextSaid = said
      this.#context = context
      this.#fixed = fixedRules(context, this.#settings)
      this.#pages = new Map()
    }
    return { context: this.#context, fixed: this.#fixed }
  }

  /** Those of one service port stay the same list while they are the same. */
  #sortPortals(portals: readonly Portal[]): void {
    const ofPort = new Map<ServicePortKey, Portal[]>()
    for (const portal of portals) {
      const list = ofPort.get(portal.servicePort.key)
      if (list === undefined) ofPort.set(portal.servicePort.key, [portal])
      else list.push(portal)
    }
    const kept = [...ofPort].map(([key, list]): [ServicePortKey, readonly Portal[]] => {
      const before = this.#ofPort.get(key)
      return [key, before !== undefined && sameItems(before, list) ? before : list]
    })
    this.#portals = portals
    this.#ofPort = new Map(kept)
  }

  #pageOf(served: ServedPort, context: RuleContext): Page {
    const { key } = served.servicePort
    const portals = this.#ofPort.get(key) ?? NO_PORTALS
    const before = this.#pages.get(key)
    if (before?.served === served && before.portals === portals) return before
    const rules = portRules(served, portals, context)
    return { served, portals, rules: before === undefined ? rules : keepIdentity(before.rules, rules) }
  }
}

/** Rules of many joined to one list, which is the same while they are. */
class RuleJoin {
  #parts: readonly (readonly Rule[])[] = []
  #joined: readonly Rule[] = []

  of(parts: readonly (readonly Rule[])[]): readonly Rule[] {
    if (!sameItems(parts, this.#parts)) {
      this.#parts = parts
      this.#joined = parts.flat()
    }
    return this.#joined
  }
}

/** Lists that came out equal are those that were there before. */
function keepIdentity(before: PortRules, { dispatch, chains }: PortRules): PortRules {
  const kept = Object.entries(dispatch).map(([name, rules]): [string, readonly Rule[]] => {
    const known = before.dispatch[name as DispatchChain]
    return [name, equal(known, rules) ? known : rules]
  })
  const known = before.chains.chains
  const ofChains = [...chains.chains].map(([name, rules]): [string, readonly Rule[]] => {
    const beside = known.get(name)
    return [name, beside !== undefined && equal(beside, rules) ? beside : rules]
  })
  const areSame = ofChains.length === known.size && ofChains.every(([name, rules]) => known.get(name) === rules)
  return {
    dispatch: Object.fromEntries(kept) as unknown as PortRules['dispatch'],
    chains: areSame ? before.chains : { ...chains, chains: new Map(ofChains) },
  }
}

/** Rules are plain data, made with their fields in the same order each time. */
function equal(a: readonly Rule[], b: readonly Rule[]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

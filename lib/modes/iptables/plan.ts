import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type ChainGroup, type Rule, type RuleSet } from '../../rules/rule-set.js'
import { sameItems } from '../../rules/same-items.js'
import { type Portal } from '../portals.js'
import { type Surroundings } from '../surroundings.js'
import { type Dispatch, DispatchJoin, equalRules, keptDispatch } from './dispatch.js'
import { type FixedRules, fixedRules, tablesOf } from './fixed-rules.js'
import { type PortRules, portRules } from './port-rules.js'
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
  readonly #join = new DispatchJoin()

  constructor(family: IpFamily, settings: IptablesSettings) {
    this.#family = family
    this.#settings = settings
  }

  of(input: PlanInput): RuleSet {
    const { context, fixed } = this.#contextOf(input)
    if (input.portals !== this.#portals) this.#sortPortals(input.portals)
    const pages = new Map<ServicePortKey, Page>()
    const dispatches: Dispatch[] = []
    const groups: ChainGroup[] = []
    for (const served of input.ports) {
      const page = this.#pageOf(served, context)
      pages.set(served.servicePort.key, page)
      dispatches.push(page.rules.dispatch)
      groups.push(page.rules.chains)
    }
    this.#pages = pages
    const dispatch = this.#join.of([...dispatches, fixed.toNodePorts])
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

/** Lists that came out equal are those that were there before. */
function keepIdentity(before: PortRules, { dispatch, chains }: PortRules): PortRules {
  const known = before.chains.chains
  const kept = [...chains.chains].map(([name, rules]): [string, readonly Rule[]] => {
    const beside = known.get(name)
    return [name, beside !== undefined && equalRules(beside, rules) ? beside : rules]
  })
  const areSame = kept.length === known.size && kept.every(([name, rules]) => known.get(name) === rules)
  return {
    dispatch: keptDispatch(before.dispatch, dispatch),
    chains: areSame ? before.chains : { ...chains, chains: new Map(kept) },
  }
}

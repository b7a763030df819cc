import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type ChainGroup, type Rule, type RuleSet } from '../../netfilter/rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { type Dispatch, DispatchJoiner, areRulesEqual, reuseEqualDispatch } from './dispatch.js'
import { type FixedRules, fixedRules, buildTables } from './fixed-rules.js'
import { type ServicePortRules, servicePortRules } from './service-port-rules.js'
import { type IptablesSettings, type RuleContext } from './rule-context.js'

/** With more endpoints than this, rules of endpoints carry no comments (largeClusterEndpointsThreshold of kube-proxy). */
const LARGE_CLUSTER_ENDPOINTS = 1000

/** Everything that the rules of one family depend on besides the settings. */
export interface PlanInput {
  /** Service ports of the family. */
  readonly ports: readonly ServedPort[]
  /** Served portals of any family; the same array while nothing of them changed. */
  readonly frontends: readonly Frontend[]
  readonly localTraffic: LocalTraffic
  /** The node's main address; undefined when it has none of the family. */
  readonly nodeAddress: IpAddress | undefined
  readonly localhostNodePorts: boolean
}

/** The rules of one service port, and what they were made from. */
interface CacheEntry {
  readonly served: ServedPort
  readonly frontends: readonly Frontend[]
  readonly rules: ServicePortRules
}

const NO_FRONTENDS: readonly Frontend[] = []

/**
 * The rules of iptables mode for one family. What it made it remembers: a service port that is as before keeps its chains,
 * and a list of rules keeps its identity while nothing in it changes, so that a change costs what changed.
 */
export class IptablesPlanner {
  readonly #family: IpFamily
  readonly #settings: IptablesSettings
  #contextFingerprint = ''
  #context: RuleContext | undefined
  #fixed: FixedRules | undefined
  #frontends: readonly Frontend[] = []
  #frontendsByPort: ReadonlyMap<ServicePortKey, readonly Frontend[]> = new Map()
  #cache: ReadonlyMap<ServicePortKey, CacheEntry> = new Map()
  readonly #dispatchJoiner = new DispatchJoiner()

  constructor(family: IpFamily, settings: IptablesSettings) {
    this.#family = family
    this.#settings = settings
  }

  plan(input: PlanInput): RuleSet {
    const { context, fixed } = this.#getContext(input)
    if (input.frontends !== this.#frontends) this.#groupFrontends(input.frontends)
    const cache = new Map<ServicePortKey, CacheEntry>()
    const dispatches: Dispatch[] = []
    const groups: ChainGroup[] = []
    for (const served of input.ports) {
      const entry = this.#getEntry(served, context)
      cache.set(served.servicePort.key, entry)
      dispatches.push(entry.rules.dispatch)
      groups.push(entry.rules.chains)
    }
    this.#cache = cache
    const dispatch = this.#dispatchJoiner.join([...dispatches, fixed.toNodePorts])
    return { family: this.#family, tables: buildTables(fixed, dispatch, groups) }
  }

  #getContext({ ports, localTraffic, nodeAddress, localhostNodePorts }: PlanInput) {
    const endpoints = ports.reduce((sum, served) => sum + served.endpoints.length, 0)
    const context: RuleContext = {
      ...localTraffic,
      family: this.#family,
      masqueradeAll: this.#settings.masqueradeAll,
      nodeAddress,
      localhostNodePorts,
      hasEndpointComments: endpoints <= LARGE_CLUSTER_ENDPOINTS,
    }
    const fingerprint = JSON.stringify(context)
    if (fingerprint !== this.#contextFingerprint || this.#context === undefined || this.#fixed === undefined) {
      this.#contextFingerprint = fingerprint
      this.#context = context
      this.#fixed = fixedRules(context, this.#settings)
      this.#cache = new Map()
    }
    return { context: this.#context, fixed: this.#fixed }
  }

  /** Those of one service port stay the same list while they are the same. */
  #groupFrontends(frontends: readonly Frontend[]): void {
    const byPort = new Map<ServicePortKey, Frontend[]>()
    for (const frontend of frontends) {
      const list = byPort.get(frontend.servicePort.key)
      if (list === undefined) byPort.set(frontend.servicePort.key, [frontend])
      else list.push(frontend)
    }
    const reused = [...byPort].map(([key, list]): [ServicePortKey, readonly Frontend[]] => {
      const before = this.#frontendsByPort.get(key)
      return [key, before !== undefined && sameItems(before, list) ? before : list]
    })
    this.#frontends = frontends
    this.#frontendsByPort = new Map(reused)
  }

  #getEntry(served: ServedPort, context: RuleContext): CacheEntry {
    const { key } = served.servicePort
    const frontends = this.#frontendsByPort.get(key) ?? NO_FRONTENDS
    const previous = this.#cache.get(key)
    if (previous?.served === served && previous.frontends === frontends) return previous
    const rules = servicePortRules(served, frontends, context)
    return { served, frontends, rules: previous === undefined ? rules : reuseEqual(previous.rules, rules) }
  }
}

/** Lists that came out equal are those that were there before. */
function reuseEqual(previous: ServicePortRules, { dispatch, chains }: ServicePortRules): ServicePortRules {
  const previousChains = previous.chains.chains
  const reused = [...chains.chains].map(([name, rules]): [string, readonly Rule[]] => {
    const previousRules = previousChains.get(name)
    return [name, previousRules !== undefined && areRulesEqual(previousRules, rules) ? previousRules : rules]
  })
  const areSame =
    reused.length === previousChains.size && reused.every(([name, rules]) => previousChains.get(name) === rules)
  return {
    dispatch: reuseEqualDispatch(previous.dispatch, dispatch),
    chains: areSame ? previous.chains : { ...chains, chains: new Map(reused) },
  }
}

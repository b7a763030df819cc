import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type ServicePortKey } from '../../model/service-port.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type ChainGroup, type Rule, type RuleSet } from '../../netfilter/rule-set.js'
import { Memo } from '../../primitives/memo.js'
import { reuseEqual, reuseSameItems } from '../../primitives/reuse-equal.js'
import { type Frontend } from '../../frontends/frontend.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { type Dispatch, DispatchJoiner, reuseEqualDispatch } from './dispatch.js'
import { type FixedRules, fixedRules, buildTables } from './fixed-rules.js'
import { type ServicePortRules, servicePortRules } from './service-port-rules.js'
import { type RuleSettings } from '../rule-settings.js'
import { type RuleContext } from './rule-context.js'

/** With more endpoints than this, the rules of endpoints have no comments (`largeClusterEndpointsThreshold` of kube-proxy). */
const LARGE_CLUSTER_ENDPOINTS = 1000

/** Everything that the rules of one family depend on besides the settings. */
export interface PlanInput {
  /** Service ports of the family. */
  readonly ports: readonly ServedPort[]
  /** The frontends that are served, of any family; the same array while nothing in it changed. */
  readonly frontends: readonly Frontend[]
  readonly localTraffic: LocalTraffic
  /** The node's main address; undefined when it has none of the family. */
  readonly nodeAddress: IpAddress | undefined
  /** The addresses of this node that are endpoints; omitted: none. */
  readonly hostEndpointIPs?: readonly IpAddress[]
  /** Whether node ports answer on loopback too. */
  readonly localhostNodePorts: boolean
}

/** The rules of one service port, and the input that they were built from. */
interface CacheEntry {
  readonly served: ServedPort
  readonly frontends: readonly Frontend[]
  readonly rules: ServicePortRules
}

const NO_FRONTENDS: readonly Frontend[] = []

/**
 * Plans the rules of iptables mode for one family. It remembers its last plan: a service port that did not change keeps its
 * chains, and a list of rules stays the same object while nothing in it changes. So an update costs as much as what changed.
 */
export class IptablesPlanner {
  readonly #family: IpFamily
  readonly #settings: RuleSettings
  readonly #fixed: Memo<RuleContext, { readonly context: RuleContext; readonly rules: FixedRules }>
  #context: RuleContext | undefined
  #frontends: readonly Frontend[] = []
  #frontendsByPort: ReadonlyMap<ServicePortKey, readonly Frontend[]> = new Map()
  #cache: ReadonlyMap<ServicePortKey, CacheEntry> = new Map()
  readonly #dispatchJoiner = new DispatchJoiner()

  constructor(family: IpFamily, settings: RuleSettings) {
    this.#family = family
    this.#settings = settings
    this.#fixed = new Memo(context => ({ context, rules: fixedRules(context, settings) }))
  }

  /**
   * Builds the complete rules. Chains and groups that did not change are the same objects as in the last result.
   * @param isLeftOut whether to leave out the rules of a service port
   */
  plan(input: PlanInput, isLeftOut: (served: ServedPort, rules: ServicePortRules) => boolean = () => false): RuleSet {
    const { context, rules: fixed } = this.#fixed.get(this.#buildContext(input))
    if (context !== this.#context) this.#cache = new Map()
    this.#context = context
    if (input.frontends !== this.#frontends) this.#groupFrontends(input.frontends)
    const cache = new Map<ServicePortKey, CacheEntry>()
    const dispatches: Dispatch[] = []
    const groups: ChainGroup[] = []
    for (const served of input.ports) {
      const entry = this.#getEntry(served, context)
      cache.set(served.servicePort.key, entry)
      if (isLeftOut(served, entry.rules)) continue
      dispatches.push(entry.rules.dispatch)
      groups.push(entry.rules.chains)
    }
    this.#cache = cache
    const dispatch = this.#dispatchJoiner.join([...dispatches, fixed.toNodePorts])
    return { family: this.#family, tables: buildTables(fixed, dispatch, groups) }
  }

  #buildContext({
    ports,
    localTraffic,
    nodeAddress,
    hostEndpointIPs = [],
    localhostNodePorts,
  }: PlanInput): RuleContext {
    const endpoints = ports.reduce((sum, served) => sum + served.endpoints.length, 0)
    return {
      ...localTraffic,
      family: this.#family,
      masqueradeAll: this.#settings.masqueradeAll,
      nodeAddress,
      hostEndpointIPs,
      localhostNodePorts,
      hasEndpointComments: endpoints <= LARGE_CLUSTER_ENDPOINTS,
    }
  }

  /** Groups frontends by service port. A list stays the same object while its frontends do. */
  #groupFrontends(frontends: readonly Frontend[]): void {
    const byPort = new Map<ServicePortKey, Frontend[]>()
    for (const frontend of frontends) {
      const list = byPort.get(frontend.servicePort.key)
      if (list === undefined) byPort.set(frontend.servicePort.key, [frontend])
      else list.push(frontend)
    }
    const before = this.#frontendsByPort
    this.#frontends = frontends
    this.#frontendsByPort = new Map([...byPort].map(([key, list]) => [key, reuseSameItems(before.get(key), list)]))
  }

  #getEntry(served: ServedPort, context: RuleContext): CacheEntry {
    const { key } = served.servicePort
    const frontends = this.#frontendsByPort.get(key) ?? NO_FRONTENDS
    const previous = this.#cache.get(key)
    if (previous?.served === served && previous.frontends === frontends) return previous
    const rules = servicePortRules(served, frontends, context)
    return { served, frontends, rules: previous === undefined ? rules : reuseEqualRules(previous.rules, rules) }
  }
}

/** The new rules, with the old lists where they are equal. */
function reuseEqualRules(previous: ServicePortRules, { dispatch, chains }: ServicePortRules): ServicePortRules {
  const previousChains = previous.chains.chains
  const reused = [...chains.chains].map(([name, rules]): [string, readonly Rule[]] => [
    name,
    reuseEqual(previousChains.get(name), rules),
  ])
  const areSame =
    reused.length === previousChains.size && reused.every(([name, rules]) => previousChains.get(name) === rules)
  return {
    dispatch: reuseEqualDispatch(previous.dispatch, dispatch),
    chains: areSame ? previous.chains : { ...chains, chains: new Map(reused) },
  }
}

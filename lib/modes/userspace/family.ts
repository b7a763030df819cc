import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { fingerprint } from '../../primitives/fingerprint.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { observedProxyPorts } from './observed-proxy-ports.js'
import { type ResolvedFrontend } from './resolved-frontend.js'
import { FrontendRules } from './frontend-rules.js'
import { type FlowCleanupObserver, StaleFlowCleanup } from '../stale-flow-cleanup.js'
import { type ProxyPort } from './proxy-port-filter.js'
import { type ProgrammedFrontend, type ProgrammedFrontends } from './programmable-frontends.js'
import { type FlowTarget, flowAddress } from '../stale-flows.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'

export interface UserspaceFamilyOptions {
  readonly iptables: Iptables
  readonly chainOwners: ChainOwners
  /** Returns the current local traffic detection. */
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  readonly conntrack: Conntrack
  readonly flowObserver?: FlowCleanupObserver | undefined
  /** Returns the current addresses of the node, except loopback addresses. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly log: Log
}

const TABLES = ['nat', 'filter']

/**
 * The rules of one IP family: the desired ones, and those that the kernel may have. During a write, and after a failed one, the kernel
 * may have the old rules or the new ones. The listeners of both are held then.
 */
export class UserspaceFamily implements KernelRules {
  readonly family: IpFamily
  readonly #writer: RuleWriter
  readonly #localTraffic: (family: IpFamily) => LocalTraffic
  readonly #staleFlows: StaleFlowCleanup
  readonly #nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly #frontendRules: FrontendRules
  #desired: ProgrammedFrontends = new Map()
  /** The frontends of the last write that succeeded. */
  #programmed: ProgrammedFrontends = new Map()
  /** Other frontends, of writes that have been attempted since. */
  readonly #attempted = new Map<string, ProgrammedFrontend>()
  /** Whether the last write succeeded. False before the first one, because chains and links must exist even without Services. */
  #isProgrammed = false
  /** The fingerprint of the local traffic detection at the last write. */
  #programmedTraffic = ''

  constructor(options: UserspaceFamilyOptions) {
    const { iptables, chainOwners, localTraffic, conntrack, flowObserver, nodeAddresses, log } = options
    this.family = iptables.family
    this.#frontendRules = new FrontendRules(iptables.family)
    this.#writer = new RuleWriter(iptables, TABLES, chainOwners, log)
    this.#localTraffic = localTraffic
    this.#staleFlows = new StaleFlowCleanup(iptables.family, { conntrack, flowObserver, log })
    this.#nodeAddresses = nodeAddresses
  }

  /** Reads the rules. @returns the proxy ports in the rules of an earlier process, see `observedProxyPorts` @throws ProxyFailure */
  async start(): Promise<Map<string, number>> {
    return observedProxyPorts(await this.#writer.read())
  }

  /** The listeners that rules in the kernel may use. */
  get programmedListeners(): ListenerPlan {
    const listeners = new Map<string, ListenerSpec>()
    for (const frontends of [this.#programmed, this.#attempted])
      for (const { specs } of frontends.values()) for (const spec of specs) listeners.set(spec.key, spec)
    return listeners
  }

  /** Sets the desired frontends. An unchanged frontend is the same object as before. */
  setDesired(frontends: ProgrammedFrontends): void {
    this.#desired = frontends
  }

  get pending(): boolean {
    if (!this.#isProgrammed || this.#desired.size !== this.#programmed.size) return true
    if (fingerprint(this.#localTraffic(this.family)) !== this.#programmedTraffic) return true
    for (const [name, desired] of this.#desired) {
      const programmed = this.#programmed.get(name)
      if (programmed !== desired && programmed?.fingerprint !== desired.fingerprint) return true
    }
    return false
  }

  async program(verify: boolean): Promise<ProgramReport> {
    const isIntact = !verify || (await this.#writer.check())
    const desired = this.#desired
    const localTraffic = this.#localTraffic(this.family)
    if (!this.pending && isIntact) {
      await this.#staleFlows.run()
      await this.#writer.removeOtherModes()
      return this.#writer.unchangedReport
    }
    const rules = this.#buildRuleSet(desired, localTraffic)
    for (const [name, frontend] of desired)
      if (this.#programmed.get(name) !== frontend) this.#attempted.set(name, frontend)
    this.#isProgrammed = false
    const report = await this.#writer.write(rules)
    if (report.changed) this.#findStaleFlows(desired, localTraffic)
    await this.#staleFlows.run()
    this.#programmed = desired
    this.#attempted.clear()
    this.#isProgrammed = true
    this.#programmedTraffic = fingerprint(localTraffic)
    await this.#writer.removeOtherModes()
    return report
  }

  /** TCP clients may wait for a frontend that is new. Other changes concern only what is established, and that is kept. */
  #findStaleFlows(desired: ProgrammedFrontends, { nodePortAddresses }: LocalTraffic): void {
    const removed: ProgrammedFrontend[] = []
    for (const earlier of [this.#programmed, this.#attempted])
      for (const [name, frontend] of earlier) if (isUdp(frontend) && !desired.has(name)) removed.push(frontend)
    const frontends = [...desired.values()]
    const hasUdp = removed.length > 0 || frontends.some(isUdp)
    const hasNewTcp = [...desired].some(([name, frontend]) => !isUdp(frontend) && !this.#programmed.has(name))
    this.#staleFlows.add(
      {
        protocols: [...(hasUdp ? ['UDP' as const] : []), ...(hasNewTcp ? ['TCP' as const] : [])],
        removed: removed.map(({ resolved }) => flowAddress(resolved.frontend)),
      },
      () => ({
        targets: frontends.map(({ resolved }) => flowTarget(resolved)),
        nodeAddresses: new Set(nodePortAddresses ?? this.#nodeAddresses(this.family)),
      }),
    )
  }

  #buildRuleSet(frontends: ProgrammedFrontends, localTraffic: LocalTraffic): RuleSet {
    const resolved: ResolvedFrontend[] = []
    const proxyPorts: ProxyPort[] = []
    for (const frontend of frontends.values()) {
      resolved.push(frontend.resolved)
      proxyPorts.push(...frontend.proxyPorts)
    }
    return this.#frontendRules.build({ frontends: resolved, localTraffic, proxyPorts })
  }
}

function isUdp({ resolved }: ProgrammedFrontend): boolean {
  return resolved.frontend.servicePort.protocol === 'UDP'
}

function flowTarget({ frontend, fromNode, fromPods, fromExternal }: ResolvedFrontend): FlowTarget {
  return {
    ...flowAddress(frontend),
    replySources: [fromNode, fromPods, fromExternal].filter(target => target !== 'drop'),
  }
}

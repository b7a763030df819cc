import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Clock } from '../../model/clock.js'
import { type EventSink } from '../../model/event-sink.js'
import { type Log } from '../../model/log.js'
import { type RuleInTable } from '../../netfilter/rule-kind.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { fingerprint } from '../../primitives/reuse-equal.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type OwnedRules, PartialWriter } from '../partial-writer.js'
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
  readonly events: EventSink
  readonly log: Log
  readonly clock?: Pick<Clock, 'now'>
}

const TABLES = ['nat', 'filter']
/** The rules are checked every few seconds, and an attempt to write what was left out costs more than a check. */
const RECHECK_REFUSED_MS = 30_000

/**
 * The rules of one IP family: the desired ones, and those that the kernel may have. During a write, and after a failed one, the kernel
 * may have the old rules or the new ones. The listeners of both are held then.
 */
export class UserspaceFamily implements KernelRules {
  readonly family: IpFamily
  readonly #writer: RuleWriter
  readonly #partialWriter: PartialWriter
  /** Whose rules the last write contained or left out, by the names of frontends. */
  #owners: ReadonlyMap<string, FrontendOwner> = new Map()
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
  /** Whether a write has failed since the last one that succeeded. The kernel may have what it contained. */
  #hasFailedWrite = false
  /** The fingerprint of the local traffic detection at the last write. */
  #programmedTraffic = ''

  constructor(options: UserspaceFamilyOptions) {
    const { iptables, chainOwners, localTraffic, conntrack, flowObserver, nodeAddresses, events, log, clock } = options
    this.family = iptables.family
    this.#frontendRules = new FrontendRules(iptables.family)
    const writer = new RuleWriter(iptables, TABLES, chainOwners, log)
    this.#writer = writer
    this.#partialWriter = new PartialWriter({ iptables, writer, events, log, clock, recheckMs: RECHECK_REFUSED_MS })
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
    if (!this.#isProgrammed) return true
    if (fingerprint(this.#localTraffic(this.family)) !== this.#programmedTraffic) return true
    let programmedCount = 0
    for (const [name, desired] of this.#desired) {
      const programmed = this.#programmed.get(name)
      if (programmed === desired || programmed?.fingerprint === desired.fingerprint) programmedCount++
      else if (!this.#isLeftOut(name, desired)) return true
    }
    return programmedCount !== this.#programmed.size
  }

  async program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport> {
    const isIntact = !verify || (await this.#writer.check())
    if (verify && (await this.#partialWriter.recheck())) this.#isProgrammed = false
    const desired = this.#desired
    const localTraffic = this.#localTraffic(this.family)
    if (!this.pending && isIntact) {
      await this.#staleFlows.run()
      await this.#writer.removeOtherModes()
      return { ...this.#writer.unchangedReport, refused: this.#partialWriter.counts }
    }
    onPlanned?.()
    for (const [name, frontend] of desired)
      if (this.#programmed.get(name) !== frontend) this.#attempted.set(name, frontend)
    this.#isProgrammed = false
    const mayBeWritten = this.#hasFailedWrite
    this.#hasFailedWrite = true
    const report = await this.#partialWriter.write(isLeftOut => this.#buildRuleSet(desired, localTraffic, isLeftOut))
    this.#hasFailedWrite = false
    const served = new Map([...desired].filter(([name, frontend]) => !this.#isLeftOut(name, frontend)))
    if (report.changed || mayBeWritten)
      this.#findStaleFlows(served, localTraffic, report.isRepair === true && !isIntact)
    await this.#staleFlows.run()
    this.#programmed = served
    this.#attempted.clear()
    this.#isProgrammed = true
    this.#programmedTraffic = fingerprint(localTraffic)
    await this.#writer.removeOtherModes()
    return report
  }

  /** TCP clients may wait for a frontend that is new. Other changes concern only what is established, and that is kept. */
  #findStaleFlows(desired: ProgrammedFrontends, { nodePortAddresses }: LocalTraffic, isRepair: boolean): void {
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
        isRepair,
      },
      () => ({
        targets: frontends.map(({ resolved }) => flowTarget(resolved)),
        nodeAddresses: new Set(nodePortAddresses ?? this.#nodeAddresses(this.family)),
      }),
    )
  }

  #buildRuleSet(
    frontends: ProgrammedFrontends,
    localTraffic: LocalTraffic,
    isLeftOut: (owned: OwnedRules) => boolean,
  ): RuleSet {
    const resolved: ResolvedFrontend[] = []
    const proxyPorts: ProxyPort[] = []
    const owners = new Map<string, FrontendOwner>()
    for (const [name, frontend] of frontends) {
      const owner = this.#getOwner(name, frontend)
      owners.set(name, owner)
      const { servicePort, name: address } = frontend.resolved.frontend
      const getRules = (): Iterable<RuleInTable> => this.#rulesOf(frontend, localTraffic)
      if (isLeftOut({ owner, servicePort, frontend: address, getRules })) continue
      resolved.push(frontend.resolved)
      proxyPorts.push(...frontend.proxyPorts)
    }
    this.#owners = owners
    return this.#frontendRules.build({ frontends: resolved, localTraffic, proxyPorts })
  }

  /** The rules that the kernel needs for one frontend. */
  *#rulesOf({ resolved, proxyPorts }: ProgrammedFrontend, localTraffic: LocalTraffic): Generator<RuleInTable> {
    const { tables } = new FrontendRules(this.family).build({ frontends: [resolved], localTraffic, proxyPorts })
    for (const [table, { chains }] of tables)
      for (const rules of chains.values()) for (const rule of rules) yield [table, rule]
  }

  /** The same object as at the last write if the frontend's rules are the same. */
  #getOwner(name: string, frontend: ProgrammedFrontend): FrontendOwner {
    const known = this.#owners.get(name)
    return known?.fingerprint === frontend.fingerprint ? known : { fingerprint: frontend.fingerprint }
  }

  #isLeftOut(name: string, frontend: ProgrammedFrontend): boolean {
    return this.#partialWriter.isLeftOut(this.#getOwner(name, frontend))
  }
}

/** Owns the rules of a frontend. */
type FrontendOwner = Pick<ProgrammedFrontend, 'fingerprint'>

function isUdp({ resolved }: ProgrammedFrontend): boolean {
  return resolved.frontend.servicePort.protocol === 'UDP'
}

function flowTarget({ frontend, fromNode, fromPods, fromExternal }: ResolvedFrontend): FlowTarget {
  return {
    ...flowAddress(frontend),
    replySources: [fromNode, fromPods, fromExternal].filter(target => target !== 'drop'),
  }
}

import { type IpFamily } from '../../model/address.js'
import { type Clock } from '../../model/clock.js'
import { EMPTY_SNAPSHOT } from '../../model/snapshot.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { OnceReporter } from '../../primitives/once-reporter.js'
import { SerialQueue } from '../../primitives/serial-queue.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { type FlowCleanupObserver, StaleFlowCleanup } from '../stale-flow-cleanup.js'
import { flowChange } from './flow-change.js'
import { IPVS_TABLES } from './ipvs-rules.js'
import { KernelState, type KernelStateOptions } from './kernel-state.js'
import { type IpvsPlan, IpvsPlanner, type PlanSettings, type DesiredServices } from './plan.js'

export interface IpvsFamilyOptions extends KernelStateOptions {
  readonly iptables: Iptables
  readonly chainOwners: ChainOwners
  readonly conntrack: Conntrack
  readonly flowObserver?: FlowCleanupObserver | undefined
  readonly settings: PlanSettings
  /** Returns the current local traffic detection. */
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  /**
   * Milliseconds for which sets, addresses and virtual servers are trusted without reading them: the kernel takes a second to list 5,000
   * virtual servers. Rules are read more often, because there are few of them and other programs change them.
   */
  readonly maxStateAgeMs: number
  readonly clock: Clock
}

/** A timer may end a moment before its time. The regular check that it starts has to find that the state is old all the same. */
const EARLY_TIMER_MS = 10

/**
 * Ipvs mode in one IP family. Each step makes what the next one needs, and removals follow the reverse order:
 *
 *     sets ─▶ rules ─▶ addresses ─▶ virtual servers ─▶ real servers
 *
 * After a switch from another mode, the rules are written last: until then the other mode handles all packets.
 */
export class IpvsFamily implements KernelRules {
  readonly family: IpFamily
  readonly #options: IpvsFamilyOptions
  readonly #writer: RuleWriter
  readonly #planner: IpvsPlanner
  readonly #kernel: KernelState
  #desired: DesiredServices = { snapshot: EMPTY_SNAPSHOT, frontends: [] }
  /** The rules of the last write; undefined if it failed. */
  #programmedRules: RuleSet | undefined
  /** Whether any write has succeeded. Before that, no packet may reach the addresses of Services on this node. */
  #hasProgrammed = false
  /** The last plan that the kernel was reconciled with. */
  #reconciledPlan: IpvsPlan | undefined
  /** When sets, addresses and virtual servers were last read. */
  #readAt = 0
  #flowTargets: IpvsPlan['flowTargets'] = []
  readonly #staleFlows: StaleFlowCleanup
  /** Whether something was missing in the kernel until now, and the flows that began meanwhile were not yet looked for. */
  #owesRepair = false
  /** Reports addresses where another program has a virtual server. */
  readonly #blockedReporter = new OnceReporter()
  /** Updates and writes of rules may come at any time; their changes to the kernel run one after the other. */
  readonly #queue = new SerialQueue()

  constructor(options: IpvsFamilyOptions) {
    this.family = options.iptables.family
    this.#options = options
    this.#writer = new RuleWriter(options.iptables, IPVS_TABLES, options.chainOwners, options.log)
    this.#planner = new IpvsPlanner(this.family, options.settings)
    this.#kernel = new KernelState(this.family, options)
    this.#staleFlows = new StaleFlowCleanup(this.family, options)
  }

  /** Reads what an earlier process left in the kernel. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    await this.#readKernel()
  }

  /** Sets the Services to serve. */
  setDesired(desired: DesiredServices): void {
    this.#desired = desired
  }

  get pending(): boolean {
    return this.#programmedRules !== this.#computePlan().rules
  }

  /** Reconciles what needs no write of rules. Before the first write of rules, that is only the sets. @throws ProxyFailure */
  apply(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#kernel.ensureRead()
      await this.#reconcile(this.#computePlan())
    })
  }

  program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport> {
    return this.#queue.run(async () => {
      const isIntact = !verify || (await this.#writer.check())
      if (verify && this.#isStateOld) await this.#readKernel()
      await this.#kernel.ensureRead()
      const plan = this.#computePlan()
      onPlanned?.()
      let report = this.#writer.unchangedReport
      const repaired = await this.#reconcile(plan, async () => {
        if (!isIntact || this.#programmedRules !== plan.rules) report = await this.#writeRules(plan.rules)
        return !isIntact && report.isRepair === true
      })
      await this.#writer.removeOtherModes()
      return { ...report, changed: report.changed || repaired, refused: this.#kernel.refused }
    })
  }

  /** Whether real servers wait until their last connections have closed. */
  get isDraining(): boolean {
    return this.#kernel.isDraining(this.#computePlan())
  }

  /** Removes real servers whose last connection has closed. @throws ProxyFailure */
  removeDrained(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#kernel.ensureRead()
      await this.#kernel.removeDrained(this.#computePlan())
    })
  }

  get #isStateOld(): boolean {
    const { clock, maxStateAgeMs } = this.#options
    return clock.now() - this.#readAt >= maxStateAgeMs - EARLY_TIMER_MS
  }

  async #readKernel(): Promise<void> {
    await this.#kernel.read()
    this.#readAt = this.#options.clock.now()
  }

  #computePlan(): IpvsPlan {
    const { localTraffic, nodeAddresses } = this.#options
    const { family } = this
    const context = {
      localTraffic: localTraffic(family),
      nodeAddresses: nodeAddresses(family),
      foreignServers: this.#kernel.foreignServers,
    }
    return this.#planner.plan(this.#desired, context)
  }

  async #writeRules(rules: RuleSet): Promise<ProgramReport> {
    this.#programmedRules = undefined
    try {
      const report = await this.#writer.write(rules)
      this.#programmedRules = rules
      this.#hasProgrammed = true
      return report
    } catch (error) {
      // The kernel refuses rules that match a set which another program has destroyed.
      this.#kernel.forget()
      throw error
    }
  }

  /**
   * Reconciles everything except rules, and logs changes of virtual servers.
   * @param writeRules writes the rules; called at their place in the order. It returns whether another program had changed them.
   * @returns whether a plan that was reconciled before needed changes again, because another program had changed the kernel
   */
  async #reconcile(plan: IpvsPlan, writeRules?: () => Promise<boolean>): Promise<boolean> {
    const { clock, log } = this.#options
    const startedAt = clock.now()
    const setsChanged = await this.#kernel.addToSets(plan)
    // The chains of iptables mode have the same names: its rules handle all packets until the rules of this mode replace them.
    if (writeRules !== undefined && !this.#hasProgrammed && this.#writer.hasOtherModes)
      await this.#reconcileServers(plan)
    this.#owesRepair ||= setsChanged && this.#reconciledPlan === plan
    if ((await writeRules?.()) ?? false) this.#owesRepair = true
    if (!this.#hasProgrammed) return false
    const serversChanged = await this.#reconcileServers(plan)
    const isNew = this.#reconciledPlan !== plan
    this.#reconciledPlan = plan
    if (!setsChanged && !serversChanged) return false
    log.info(2, 'Synced virtual servers', { family: this.family, ms: Math.round(clock.now() - startedAt) })
    return !isNew
  }

  /** @returns whether anything changed */
  async #reconcileServers(plan: IpvsPlan): Promise<boolean> {
    this.#reportBlocked(plan)
    const changed = await this.#kernel.reconcile(plan)
    const previous = this.#flowTargets
    this.#flowTargets = plan.flowTargets
    // Flows of a Service without any endpoint are kept, as in kube-proxy.
    const targets = plan.flowTargets.filter(({ replySources }) => replySources.length > 0)
    if (this.#kernel.takeRetried()) this.#owesRepair = true
    const isRepair = this.#owesRepair || (changed && this.#reconciledPlan === plan)
    this.#owesRepair = false
    this.#staleFlows.add({ ...flowChange(plan.flowTargets, previous), isRepair }, () => ({
      targets,
      nodeAddresses: new Set(),
    }))
    await this.#staleFlows.run()
    return changed
  }

  #reportBlocked({ blocked }: IpvsPlan): void {
    const report = ({ name, servicePort }: IpvsPlan['blocked'][number]): void =>
      this.#options.log.warn('Not serving this address: another program already has a virtual server there', {
        address: name,
        notServed: servicePort.key,
        hint: 'Remove that server (ipvsadm -D), or give the Service another address; the next check of the rules serves it then',
      })
    this.#blockedReporter.update(blocked, ({ name }) => name, report)
  }
}

import { type IpFamily } from '../../model/address.js'
import { type Clock } from '../../model/clock.js'
import { EMPTY_SNAPSHOT } from '../../model/snapshot.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { deleteFlows } from './delete-flows.js'
import { IPVS_TABLES } from './ipvs-rules.js'
import { KernelState, type KernelStateOptions } from './kernel-state.js'
import { type IpvsPlan, IpvsPlanner, type PlanSettings, type DesiredServices } from './plan.js'

export interface IpvsFamilyOptions extends KernelStateOptions {
  readonly iptables: Iptables
  readonly chainOwners: ChainOwners
  readonly conntrack: Conntrack
  readonly settings: PlanSettings
  /** As they are at the moment it is asked. */
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  readonly clock: Clock
}

/**
 * Milliseconds for which what is not rules is trusted to be as it was. Rules are looked at more often: they are few, and others
 * touch them; to list 5,000 virtual servers takes the kernel a second. kube-proxy looks as often.
 */
const MAX_STATE_AGE_MS = 30_000

/**
 * Ipvs mode in one IP family. Everything is brought about in an order in which nothing is missing that something else needs,
 * and taken away in the reverse of it:
 *
 *     sets ─▶ rules ─▶ addresses ─▶ virtual servers ─▶ real servers
 *
 * Where another mode has served until now, the rules come last: it leads all packets as long as they are not there.
 */
export class IpvsFamily implements KernelRules {
  readonly family: IpFamily
  readonly #options: IpvsFamilyOptions
  readonly #writer: RuleWriter
  readonly #planner: IpvsPlanner
  readonly #kernel: KernelState
  #desired: DesiredServices = { snapshot: EMPTY_SNAPSHOT, frontends: [] }
  /** The rules of the last write, if it succeeded. */
  #programmedRules: RuleSet | undefined
  /** Whether one ever did: before that, no packet may be led here. */
  #hasProgrammed = false
  /** The plan that the kernel was brought to last. */
  #reconciledPlan: IpvsPlan | undefined
  /** When the kernel was read last. */
  #readAt = 0
  #udpTargets: IpvsPlan['udpTargets'] = []
  /** Addresses that are known to be somebody else's, by name. */
  #reportedBlocked: ReadonlySet<string> = new Set()
  /** The last of the works that wait for each other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: IpvsFamilyOptions) {
    this.family = options.iptables.family
    this.#options = options
    this.#writer = new RuleWriter(options.iptables, IPVS_TABLES, options.chainOwners, options.log)
    this.#planner = new IpvsPlanner(this.family, options.settings)
    this.#kernel = new KernelState(this.family, options)
  }

  /** Reads what an earlier process left. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    await this.#readKernel()
  }

  /** Takes the Services that are wanted from now on. */
  setDesired(desired: DesiredServices): void {
    this.#desired = desired
  }

  get pending(): boolean {
    return this.#programmedRules !== this.#computePlan().rules
  }

  /** Brings about what needs no rules; before there are any, that is the sets alone. @throws ProxyFailure */
  apply(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#kernel.ensureRead()
      await this.#reconcile(this.#computePlan())
    })
  }

  program(verify: boolean): Promise<ProgramReport> {
    return this.#enqueue(async () => {
      const isIntact = !verify || (await this.#writer.check())
      if (verify && this.#options.clock.now() - this.#readAt >= MAX_STATE_AGE_MS) await this.#readKernel()
      await this.#kernel.ensureRead()
      const plan = this.#computePlan()
      let report = this.#writer.unchangedReport
      const repaired = await this.#reconcile(plan, async () => {
        if (!isIntact || this.#programmedRules !== plan.rules) report = await this.#writeRules(plan.rules)
      })
      await this.#writer.removeOtherModes()
      return { ...report, changed: report.changed || repaired }
    })
  }

  /** Whether real servers wait for their last connections to end. */
  get isDraining(): boolean {
    return this.#kernel.isDraining(this.#computePlan())
  }

  /** Removes real servers whose last connection has ended. @throws ProxyFailure */
  removeDrained(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#kernel.ensureRead()
      await this.#kernel.removeDrained(this.#computePlan())
    })
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

  /** Updates and writes of rules come when they like; what changes the kernel goes one after the other. */
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => undefined)
    return run
  }

  async #writeRules(rules: RuleSet): Promise<ProgramReport> {
    this.#programmedRules = undefined
    const report = await this.#writer.write(rules)
    this.#programmedRules = rules
    this.#hasProgrammed = true
    return report
  }

  /**
   * Brings about what is no rule, and tells of it where clients can notice.
   * @param writeRules is done in its place in the order
   * @returns whether something was to be done although the plan was brought about before: somebody else has been there
   */
  async #reconcile(plan: IpvsPlan, writeRules?: () => Promise<void>): Promise<boolean> {
    const { clock, log } = this.#options
    const startedAt = clock.now()
    const setsChanged = await this.#kernel.addToSets(plan)
    // The rules of iptables mode, whose chains have the same names, lead every packet until ours are written in their place.
    if (writeRules !== undefined && !this.#hasProgrammed && this.#writer.hasOtherModes)
      await this.#reconcileServers(plan)
    await writeRules?.()
    if (!this.#hasProgrammed) return false
    const serversChanged = await this.#reconcileServers(plan)
    const isNew = this.#reconciledPlan !== plan
    this.#reconciledPlan = plan
    if (!setsChanged && !serversChanged) return false
    log.info(2, 'Synced virtual servers', { family: this.family, ms: Math.round(clock.now() - startedAt) })
    return !isNew
  }

  /** @returns whether anything was changed */
  async #reconcileServers(plan: IpvsPlan): Promise<boolean> {
    this.#reportBlocked(plan)
    const changed = await this.#kernel.reconcile(plan)
    const previous = this.#udpTargets
    this.#udpTargets = plan.udpTargets
    await deleteFlows(this.#options.conntrack, this.family, plan.udpTargets, previous, this.#options.log)
    return changed
  }

  /** Tells of each address where a server of somebody else stands: once. */
  #reportBlocked({ blocked }: IpvsPlan): void {
    for (const { name, servicePort } of blocked) {
      if (this.#reportedBlocked.has(name)) continue
      this.#options.log.warn('A virtual server of somebody else stands where a Service is wanted: it is left alone', {
        address: name,
        notServed: servicePort.key,
        hint: 'Remove it (ipvsadm -D), or give the Service another address; it is looked at again with the rules',
      })
    }
    this.#reportedBlocked = new Set(blocked.map(({ name }) => name))
  }
}

import { type IpFamily } from '../../model/address.js'
import { type Clock } from '../../model/clock.js'
import { EMPTY_SNAPSHOT } from '../../model/snapshot.js'
import { type RuleSet } from '../../rules/rule-set.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { type Surroundings } from '../surroundings.js'
import { forgetFlows } from './forget-flows.js'
import { IPVS_TABLES } from './ipvs-rules.js'
import { KernelState, type KernelStateOptions } from './kernel-state.js'
import { type IpvsPlan, IpvsPlanner, type PlanSettings, type Wanted } from './plan.js'

export interface IpvsFamilyOptions extends KernelStateOptions {
  readonly iptables: Iptables
  readonly conntrack: Conntrack
  readonly settings: PlanSettings
  /** As they are at the moment it is asked. */
  readonly surroundings: (family: IpFamily) => Surroundings
  readonly clock: Clock
}

/**
 * Milliseconds for which what is not rules is trusted to be as it was. Rules are looked at more often: they are few, and others
 * touch them; to list 5,000 virtual servers takes the kernel a second. kube-proxy looks as often.
 */
const TRUST_MS = 30_000

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
  #wanted: Wanted = { snapshot: EMPTY_SNAPSHOT, portals: [] }
  /** The rules of the last write, if it succeeded. */
  #ruled: RuleSet | undefined
  /** Whether one ever did: before that, no packet may be led here. */
  #mayServe = false
  /** The plan that the kernel was brought to last. */
  #brought: IpvsPlan | undefined
  /** When the kernel was read last. */
  #readAt = 0
  #udp: IpvsPlan['udp'] = []
  /** Addresses that are known to be somebody else's, by name. */
  #told: ReadonlySet<string> = new Set()
  /** The last of the works that wait for each other. */
  #working: Promise<unknown> = Promise.resolve()

  constructor(options: IpvsFamilyOptions) {
    this.family = options.iptables.family
    this.#options = options
    this.#writer = new RuleWriter(options.iptables, IPVS_TABLES, options.log)
    this.#planner = new IpvsPlanner(this.family, options.settings)
    this.#kernel = new KernelState(this.family, options)
  }

  /** Reads what an earlier process left. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    await this.#read()
  }

  /** Takes the Services that are wanted from now on. */
  want(wanted: Wanted): void {
    this.#wanted = wanted
  }

  get pending(): boolean {
    return this.#ruled !== this.#plan().rules
  }

  /** Brings about what needs no rules; before there are any, that is the sets alone. @throws ProxyFailure */
  apply(): Promise<void> {
    return this.#alone(async () => {
      await this.#kernel.ensureKnown()
      await this.#bringAbout(this.#plan())
    })
  }

  program(verify: boolean): Promise<ProgramReport> {
    return this.#alone(async () => {
      const isRight = !verify || (await this.#writer.look())
      if (verify && this.#options.clock.now() - this.#readAt >= TRUST_MS) await this.#read()
      await this.#kernel.ensureKnown()
      const plan = this.#plan()
      let report = this.#writer.unchanged
      const mended = await this.#bringAbout(plan, async () => {
        if (!isRight || this.#ruled !== plan.rules) report = await this.#write(plan.rules)
      })
      await this.#writer.leaveOtherModes('ipvs')
      return { ...report, changed: report.changed || mended }
    })
  }

  /** Whether real servers wait for their last connections to end. */
  get isWaiting(): boolean {
    return this.#kernel.isWaiting(this.#plan())
  }

  /** Removes real servers whose last connection has ended. @throws ProxyFailure */
  removeSpent(): Promise<void> {
    return this.#alone(async () => {
      await this.#kernel.ensureKnown()
      await this.#kernel.removeSpent(this.#plan())
    })
  }

  async #read(): Promise<void> {
    await this.#kernel.read()
    this.#readAt = this.#options.clock.now()
  }

  #plan(): IpvsPlan {
    const { surroundings, nodeAddresses } = this.#options
    const { family } = this
    const place = {
      surroundings: surroundings(family),
      nodeAddresses: nodeAddresses(family),
      taken: this.#kernel.taken,
    }
    return this.#planner.plan(this.#wanted, place)
  }

  /** Updates and writes of rules come when they like; what changes the kernel goes one after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#working.then(work)
    this.#working = run.catch(() => undefined)
    return run
  }

  async #write(rules: RuleSet): Promise<ProgramReport> {
    this.#ruled = undefined
    const report = await this.#writer.write(rules)
    this.#ruled = rules
    this.#mayServe = true
    return report
  }

  /**
   * Brings about what is no rule, and tells of it where clients can notice.
   * @param writeRules is done in its place in the order
   * @returns whether something was to be done although the plan was brought about before: somebody else has been there
   */
  async #bringAbout(plan: IpvsPlan, writeRules?: () => Promise<void>): Promise<boolean> {
    const { clock, log } = this.#options
    const startedAt = clock.now()
    const added = await this.#kernel.addToSets(plan)
    // The rules of iptables mode, whose chains have the same names, lead every packet until ours are written in their place.
    if (writeRules !== undefined && !this.#mayServe && this.#writer.foundOtherModes('ipvs')) await this.#serve(plan)
    await writeRules?.()
    if (!this.#mayServe) return false
    const served = await this.#serve(plan)
    const isNew = this.#brought !== plan
    this.#brought = plan
    if (!added && !served) return false
    log.info(2, 'Synced virtual servers', { family: this.family, ms: Math.round(clock.now() - startedAt) })
    return !isNew
  }

  /** @returns whether anything was changed */
  async #serve(plan: IpvsPlan): Promise<boolean> {
    this.#tellBlocked(plan)
    const changed = await this.#kernel.bringAbout(plan)
    const before = this.#udp
    this.#udp = plan.udp
    await forgetFlows(this.#options.conntrack, this.family, plan.udp, before, this.#options.log)
    return changed
  }

  /** Tells of each address where a server of somebody else stands: once. */
  #tellBlocked({ blocked }: IpvsPlan): void {
    for (const { name, servicePort } of blocked) {
      if (this.#told.has(name)) continue
      this.#options.log.warn('A virtual server of somebody else stands where a Service is wanted: it is left alone', {
        address: name,
        notServed: servicePort.key,
        hint: 'Remove it (ipvsadm -D), or give the Service another address; it is looked at again with the rules',
      })
    }
    this.#told = new Set(blocked.map(({ name }) => name))
  }
}

import { type ListenerPlan, type ListenerSpec } from '../../dataplane/listener-plan.js'
import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type RuleSet } from '../../rules/rule-set.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { foundProxyPorts } from './found-proxy-ports.js'
import { type LedPortal } from './led-portal.js'
import { PortalRules } from './portal-rules.js'
import { forgetStaleFlows } from '../forget-stale-flows.js'
import { type ProxyPort } from './door-chains.js'
import { type FlowPortals, type LedDestination } from '../stale-flows.js'
import { type Surroundings } from '../surroundings.js'

/** A portal with the listeners that it leads to. */
export interface HeldPortal {
  readonly led: LedPortal
  readonly specs: readonly ListenerSpec[]
  /** Those they hold, in the same order. */
  readonly ports: readonly number[]
  readonly proxyPorts: readonly ProxyPort[]
  /** What its rules say; equal text, equal rules. */
  readonly says: string
}

/** Portals by a name of their own, such as `IPv4/default/web/TCP cluster IP 10.96.0.10:80/TCP`. */
export type HeldPortals = ReadonlyMap<string, HeldPortal>

export interface FamilyRulesOptions {
  readonly iptables: Iptables
  /** As they are at the moment it is asked. */
  readonly surroundings: (family: IpFamily) => Surroundings
  readonly conntrack: Conntrack
  /** The node's own addresses at the moment, loopback left out. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly log: Log
}

/** The tables that our rules are in. */
const TABLES = ['nat', 'filter']

/**
 * The rules of one IP family: those that are wanted, and those that the kernel may know. While a write is under way, and
 * after one that failed, the kernel may know the old ones and the new ones; listeners of both are then `held`.
 */
export class FamilyRules implements KernelRules {
  readonly family: IpFamily
  readonly #writer: RuleWriter
  readonly #log: Log
  readonly #surroundings: (family: IpFamily) => Surroundings
  readonly #conntrack: Conntrack
  readonly #nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly #portalRules: PortalRules
  #wanted: HeldPortals = new Map()
  /** Those of the last write that succeeded. */
  #ruled: HeldPortals = new Map()
  /** Others that a write has been tried for since. */
  readonly #tried = new Map<string, HeldPortal>()
  /** Whether the last write succeeded; false before the first, since links and chains have to be there even without Services. */
  #programmed = false
  #surroundingsSaid = ''

  constructor({ iptables, surroundings, conntrack, nodeAddresses, log }: FamilyRulesOptions) {
    this.family = iptables.family
    this.#portalRules = new PortalRules(iptables.family)
    this.#writer = new RuleWriter(iptables, TABLES, log)
    this.#surroundings = surroundings
    this.#conntrack = conntrack
    this.#nodeAddresses = nodeAddresses
    this.#log = log
  }

  /** Reads what is there; gives the proxy ports that an earlier process led to, as `foundProxyPorts`. @throws ProxyFailure */
  async start(): Promise<Map<string, number>> {
    return foundProxyPorts(await this.#writer.read())
  }

  /** Listeners that rules in the kernel may lead to. */
  get held(): ListenerPlan {
    const held = new Map<string, ListenerSpec>()
    for (const portals of [this.#ruled, this.#tried])
      for (const { specs } of portals.values()) for (const spec of specs) held.set(spec.key, spec)
    return held
  }

  /** Takes the portals that are wanted from now on. One that is as before is the same object. */
  want(portals: HeldPortals): void {
    this.#wanted = portals
  }

  get pending(): boolean {
    if (!this.#programmed || this.#wanted.size !== this.#ruled.size) return true
    if (JSON.stringify(this.#surroundings(this.family)) !== this.#surroundingsSaid) return true
    for (const [name, wanted] of this.#wanted) {
      const ruled = this.#ruled.get(name)
      if (ruled !== wanted && ruled?.says !== wanted.says) return true
    }
    return false
  }

  async program(verify: boolean): Promise<ProgramReport> {
    const isRight = !verify || (await this.#writer.look())
    const wanted = this.#wanted
    const surroundings = this.#surroundings(this.family)
    if (!this.pending && isRight) {
      await this.#writer.leaveOtherModes('userspace')
      return this.#writer.unchanged
    }
    const rules = this.#ruleSet(wanted, surroundings)
    for (const [name, held] of wanted) if (this.#ruled.get(name) !== held) this.#tried.set(name, held)
    this.#programmed = false
    const report = await this.#writer.write(rules)
    if (report.changed) await this.#forgetFlows(wanted, surroundings)
    this.#ruled = wanted
    this.#tried.clear()
    this.#programmed = true
    this.#surroundingsSaid = JSON.stringify(surroundings)
    await this.#writer.leaveOtherModes('userspace')
    return report
  }

  async #forgetFlows(wanted: HeldPortals, { nodePortAddresses }: Surroundings): Promise<void> {
    const gone: HeldPortal[] = []
    for (const before of [this.#ruled, this.#tried])
      for (const [name, held] of before) if (isUdp(held) && !wanted.has(name)) gone.push(held)
    const portals = [...wanted.values()].filter(isUdp)
    if (portals.length + gone.length === 0) return
    const flows = (): FlowPortals => ({
      portals: portals.map(({ led }) => ledDestination(led)),
      gone: gone.map(({ led }) => led.portal),
      nodeAddresses: new Set(nodePortAddresses ?? this.#nodeAddresses(this.family)),
    })
    await forgetStaleFlows(this.#conntrack, this.family, flows, this.#log)
  }

  #ruleSet(portals: HeldPortals, surroundings: Surroundings): RuleSet {
    const led: LedPortal[] = []
    const proxyPorts: ProxyPort[] = []
    for (const held of portals.values()) {
      led.push(held.led)
      proxyPorts.push(...held.proxyPorts)
    }
    return this.#portalRules.of({ portals: led, surroundings, proxyPorts })
  }
}

function isUdp({ led }: HeldPortal): boolean {
  return led.portal.servicePort.protocol === 'UDP'
}

function ledDestination({ portal: { address, port }, fromNode, fromPods, fromElsewhere }: LedPortal): LedDestination {
  return { address, port, listeners: [fromNode, fromPods, fromElsewhere].filter(end => end !== 'drop') }
}

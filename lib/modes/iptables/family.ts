import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type EventSink } from '../../model/event-sink.js'
import { type Log } from '../../model/log.js'
import { type ServedPort } from '../../model/snapshot.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { fingerprint, sameItems } from '../../primitives/reuse-equal.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { type FlowCleanupObserver, StaleFlowCleanup } from '../stale-flow-cleanup.js'
import { flowAddress } from '../stale-flows.js'
import { type Frontend, isFirewalled } from '../../frontends/frontend.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { PartialWriter } from '../partial-writer.js'
import { RuleWriter } from '../rule-writer.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { hostEndpoints } from './host-endpoints.js'
import { IptablesPlanner, type PlanInput } from './plan.js'
import { type RuleSettings } from '../rule-settings.js'
import { rulesInTables } from './service-port-rules.js'
import { expectedFlows, flowFrontends } from './flow-frontends.js'

export interface IptablesFamilyOptions {
  readonly iptables: Iptables
  readonly chainOwners: ChainOwners
  readonly settings: RuleSettings
  readonly conntrack: Conntrack
  readonly flowObserver?: FlowCleanupObserver | undefined
  /** Returns the node's main address; undefined if it has none of that family. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  /** Returns the node's addresses of a family, except loopback addresses. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  /** Whether NodePorts answer on loopback too; only for IPv4. */
  readonly localhostNodePorts: (family: IpFamily) => boolean
  /**
   * Lets the kernel route packets from loopback addresses to endpoints. Called once, and only if NodePorts must answer on loopback,
   * after the rules that protect the node's loopback addresses from the network are in force.
   */
  readonly allowRouteLocalnet: () => void
  readonly events: EventSink
  readonly log: Log
}

const TABLES = ['filter', 'nat']

/**
 * The rules of one IP family. All of them are read at each check and after a failed write; other writes trust the last one, because
 * reading tens of thousands of rules costs more than a write.
 */
export class IptablesFamily implements KernelRules {
  readonly family: IpFamily
  readonly #options: IptablesFamilyOptions
  readonly #planner: IptablesPlanner
  readonly #writer: RuleWriter
  readonly #staleFlows: StaleFlowCleanup
  #ports: readonly ServedPort[] = []
  #frontends: readonly Frontend[] = []
  #hasFirewalled = false
  #hostEndpointIPs: readonly IpAddress[] = []
  /** Whether the desired rules are written. False before the first write, because chains and links must exist without Services too. */
  #isProgrammed = false
  #trustsLastWrite = false
  /** The fingerprint of the context at the last write. */
  #programmedContext = ''
  #lastUdpItems: readonly unknown[] = []
  #lastUdpFrontends: readonly Frontend[] = []
  /** The frontends of the last write, of all protocols. */
  #lastFrontends: readonly Frontend[] = []
  #hasAllowedLocalnet = false
  readonly #partialWriter: PartialWriter

  constructor(options: IptablesFamilyOptions) {
    const { iptables, chainOwners, settings, events, log } = options
    this.family = iptables.family
    this.#options = options
    this.#staleFlows = new StaleFlowCleanup(iptables.family, options)
    this.#planner = new IptablesPlanner(iptables.family, settings)
    this.#writer = new RuleWriter(iptables, TABLES, chainOwners, log)
    this.#partialWriter = new PartialWriter({ iptables, writer: this.#writer, events, log, recheckMs: 0 })
  }

  /** Reads the rules that the first write starts from. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    this.#trustsLastWrite = true
    this.#isProgrammed = false
  }

  /**
   * Sets what to serve.
   * @param ports of both families; an unchanged one is the same object as before
   * @param frontends of both families; the same array as before if none has changed
   */
  setDesired(ports: Iterable<ServedPort>, frontends: readonly Frontend[]): void {
    const ofFamily: ServedPort[] = []
    for (const port of ports) if (port.servicePort.family === this.family) ofFamily.push(port)
    if (frontends === this.#frontends && sameItems(ofFamily, this.#ports)) return
    if (frontends !== this.#frontends)
      this.#hasFirewalled = frontends.some(each => each.servicePort.family === this.family && isFirewalled(each))
    this.#hostEndpointIPs = hostEndpoints(ofFamily, this.#options.nodeAddresses(this.family))
    this.#ports = ofFamily
    this.#frontends = frontends
    this.#isProgrammed = false
  }

  /** All desired rules, written or not. */
  get desired(): RuleSet {
    return this.#planner.plan({ ports: this.#ports, frontends: this.#frontends, ...this.#readContext() })
  }

  get pending(): boolean {
    return !this.#isProgrammed || fingerprint(this.#readContext()) !== this.#programmedContext
  }

  async program(verify: boolean, onPlanned?: () => void): Promise<ProgramReport> {
    const isIntact = (!verify && this.#trustsLastWrite) || (await this.#writer.check())
    if (verify && (await this.#partialWriter.recheck())) this.#isProgrammed = false
    if (isIntact && !this.pending) {
      this.#trustsLastWrite = true
      await this.#staleFlows.run()
      await this.#writer.removeOtherModes()
      return { ...this.#writer.unchangedReport, refused: this.#partialWriter.counts }
    }
    const context = this.#readContext()
    const input: PlanInput = { ports: this.#ports, frontends: this.#frontends, ...context }
    onPlanned?.()
    this.#trustsLastWrite = false
    this.#isProgrammed = false
    const report = await this.#partialWriter.write(isLeftOut =>
      this.#planner.plan(input, ({ servicePort }, owner) =>
        isLeftOut({ owner, servicePort, getRules: () => rulesInTables(owner) }),
      ),
    )
    this.#trustsLastWrite = true
    // A change that arrived during the write is not written yet.
    this.#isProgrammed = input.ports === this.#ports && input.frontends === this.#frontends
    this.#finishWrite(input, fingerprint(context), report.isRepair === true && !isIntact)
    await this.#staleFlows.run()
    await this.#writer.removeOtherModes()
    return report
  }

  #finishWrite(input: PlanInput, context: string, isRepair: boolean): void {
    const { allowRouteLocalnet, nodeAddresses } = this.#options
    if (input.localhostNodePorts && !this.#hasAllowedLocalnet) {
      this.#hasAllowedLocalnet = true
      allowRouteLocalnet()
    }
    const udp = flowFrontends(input, 'UDP')
    const items = [context, ...udp.flatMap(({ frontend, served }) => [frontend, served])]
    const removed = this.#lastUdpFrontends
    const isUnchanged = sameItems(items, this.#lastUdpItems)
    this.#lastUdpItems = items
    this.#lastUdpFrontends = udp.map(({ frontend }) => frontend)
    this.#programmedContext = context
    const hasUdp = !isUnchanged && udp.length + removed.length > 0
    this.#staleFlows.add(
      {
        protocols: [...(hasUdp ? ['UDP' as const] : []), ...(this.#hasNewTcp(input) ? ['TCP' as const] : [])],
        removed: isUnchanged ? [] : removed.map(flowAddress),
        isRepair,
      },
      () => expectedFlows([...udp, ...flowFrontends(input, 'TCP')], input, nodeAddresses(this.family)),
    )
  }

  /** TCP clients may wait for a frontend that is new. Established connections are kept, whatever else changes. */
  #hasNewTcp(input: PlanInput): boolean {
    const last = this.#lastFrontends
    this.#lastFrontends = input.frontends
    if (input.frontends === last) return false
    const known = new Set(last)
    return flowFrontends(input, 'TCP').some(({ frontend }) => !known.has(frontend))
  }

  /** What the rules depend on besides Services. The interfaces are read for the node's address only if a rule needs it. */
  #readContext(): Omit<PlanInput, 'ports' | 'frontends'> {
    const { localTraffic, nodeAddress, localhostNodePorts } = this.#options
    return {
      localTraffic: localTraffic(this.family),
      nodeAddress: this.#hasFirewalled ? nodeAddress(this.family) : undefined,
      hostEndpointIPs: this.#hostEndpointIPs,
      localhostNodePorts: this.family === 'IPv4' && localhostNodePorts(this.family),
    }
  }
}

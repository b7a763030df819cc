import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type ServedPort } from '../../model/snapshot.js'
import { PROXY_CANARY } from '../../netfilter/chain-names.js'
import { type RuleSet } from '../../netfilter/rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'
import { type ChainOwners } from '../../netfilter/stale-chains.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { deleteStaleFlows } from '../delete-stale-flows.js'
import { type Frontend, isFirewalled } from '../../frontends/frontend.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { type LocalTraffic } from '../../frontends/local-traffic.js'
import { IptablesPlanner, type PlanInput } from './plan.js'
import { type IptablesSettings } from './rule-context.js'
import { expectedFlows, udpFrontends } from './udp-frontends.js'

export interface IptablesFamilyOptions {
  readonly iptables: Iptables
  readonly chainOwners: ChainOwners
  readonly settings: IptablesSettings
  readonly conntrack: Conntrack
  /** The node's main address; undefined when it has none of that family. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  /** The node's own addresses of a family, loopback left out. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly localTraffic: (family: IpFamily) => LocalTraffic
  /** Whether node ports answer on loopback too; counts for IPv4. */
  readonly localhostNodePorts: (family: IpFamily) => boolean
  /**
   * Has the kernel let packets with a loopback address out to endpoints. Called once, and only when node ports are to answer on
   * loopback: after the rules that keep others from the node's loopback are in force.
   */
  readonly allowRouteLocalnet: () => void
  readonly log: Log
}

const TABLES = ['filter', 'nat', 'mangle']

/**
 * The rules of one IP family. What a write left behind is believed as long as the canary lives (see `fixedRules`): to read
 * tens of thousands of rules every few seconds would cost more than all that is ever written. After a write that failed, and
 * when the canary is gone, everything is read.
 */
export class IptablesFamily implements KernelRules {
  readonly family: IpFamily
  readonly #options: IptablesFamilyOptions
  readonly #planner: IptablesPlanner
  readonly #writer: RuleWriter
  #ports: readonly ServedPort[] = []
  #frontends: readonly Frontend[] = []
  #hasFirewalled = false
  /** Whether what is wanted has been written; false before the first write, since links have to be there without Services too. */
  #isProgrammed = false
  #trustsLastWrite = false
  #programmedFingerprint = ''
  #lastUdpItems: readonly unknown[] = []
  #lastUdpFrontends: readonly Frontend[] = []
  #hasAllowedLocalnet = false

  constructor(options: IptablesFamilyOptions) {
    const { iptables, chainOwners, settings, log } = options
    this.family = iptables.family
    this.#options = options
    this.#planner = new IptablesPlanner(iptables.family, settings)
    this.#writer = new RuleWriter(iptables, TABLES, chainOwners, log)
  }

  /** Reads what is there, which the first write starts from. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    this.#trustsLastWrite = true
    this.#isProgrammed = false
  }

  /**
   * Takes what is wanted from now on.
   * @param ports of any family; one that is as before is the same object
   * @param frontends of any family; the same array while nothing of them changed
   */
  setDesired(ports: Iterable<ServedPort>, frontends: readonly Frontend[]): void {
    const ofFamily: ServedPort[] = []
    for (const port of ports) if (port.servicePort.family === this.family) ofFamily.push(port)
    if (frontends === this.#frontends && sameItems(ofFamily, this.#ports)) return
    if (frontends !== this.#frontends)
      this.#hasFirewalled = frontends.some(portal => portal.servicePort.family === this.family && isFirewalled(portal))
    this.#ports = ofFamily
    this.#frontends = frontends
    this.#isProgrammed = false
  }

  /** All that is wanted now, written or not. */
  get desired(): RuleSet {
    return this.#planner.plan({ ports: this.#ports, frontends: this.#frontends, ...this.#readContext() })
  }

  get pending(): boolean {
    return !this.#isProgrammed || JSON.stringify(this.#readContext()) !== this.#programmedFingerprint
  }

  async program(verify: boolean): Promise<ProgramReport> {
    if (verify && this.#trustsLastWrite && !(await this.#hasCanary())) this.#trustsLastWrite = false
    const isIntact = this.#trustsLastWrite || (await this.#writer.check())
    if (isIntact && !this.pending) {
      this.#trustsLastWrite = true
      await this.#writer.removeOtherModes()
      return this.#writer.unchangedReport
    }
    const context = this.#readContext()
    const input: PlanInput = { ports: this.#ports, frontends: this.#frontends, ...context }
    this.#trustsLastWrite = false
    this.#isProgrammed = false
    const report = await this.#writer.write(this.#planner.plan(input))
    this.#trustsLastWrite = true
    // What came in meanwhile is wanted and not written.
    this.#isProgrammed = input.ports === this.#ports && input.frontends === this.#frontends
    await this.#finishWrite(input, JSON.stringify(context))
    await this.#writer.removeOtherModes()
    return report
  }

  async #hasCanary(): Promise<boolean> {
    for (const table of TABLES) {
      const canary = await this.#options.iptables.readChain(table, PROXY_CANARY)
      if (canary === 'absent' || (canary !== 'unknown' && canary.length === 0)) return false
    }
    return true
  }

  async #finishWrite(input: PlanInput, fingerprint: string): Promise<void> {
    const { allowRouteLocalnet, conntrack, nodeAddresses, log } = this.#options
    if (input.localhostNodePorts && !this.#hasAllowedLocalnet) {
      this.#hasAllowedLocalnet = true
      allowRouteLocalnet()
    }
    const udp = udpFrontends(input)
    const items = [fingerprint, ...udp.flatMap(({ frontend, served }) => [frontend, served])]
    const removed = this.#lastUdpFrontends
    const isUnchanged = sameItems(items, this.#lastUdpItems)
    this.#lastUdpItems = items
    this.#lastUdpFrontends = udp.map(({ frontend }) => frontend)
    this.#programmedFingerprint = fingerprint
    if (isUnchanged || udp.length + removed.length === 0) return
    const getExpectedFlows = () => expectedFlows(udp, removed, input, nodeAddresses(this.family))
    await deleteStaleFlows(conntrack, this.family, getExpectedFlows, log)
  }

  /** What the rules depend on besides Services; the node's address, which costs a look at the interfaces, where it counts. */
  #readContext(): Pick<PlanInput, 'localTraffic' | 'nodeAddress' | 'localhostNodePorts'> {
    const { localTraffic, nodeAddress, localhostNodePorts } = this.#options
    return {
      localTraffic: localTraffic(this.family),
      nodeAddress: this.#hasFirewalled ? nodeAddress(this.family) : undefined,
      localhostNodePorts: this.family === 'IPv4' && localhostNodePorts(this.family),
    }
  }
}

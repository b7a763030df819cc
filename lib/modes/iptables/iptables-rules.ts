import { type IpAddress, type IpFamily } from '../../model/address.js'
import { type Log } from '../../model/log.js'
import { type ServedPort } from '../../model/snapshot.js'
import { PROXY_CANARY } from '../../rules/chain-names.js'
import { type RuleSet } from '../../rules/rule-set.js'
import { sameItems } from '../../rules/same-items.js'
import { type Conntrack } from '../../system/conntrack.js'
import { type Iptables } from '../../system/iptables.js'
import { forgetStaleFlows } from '../forget-stale-flows.js'
import { type Portal, isRanged } from '../portals.js'
import { type KernelRules, type ProgramReport } from '../proxier.js'
import { RuleWriter } from '../rule-writer.js'
import { type Surroundings } from '../surroundings.js'
import { IptablesPlan, type PlanInput } from './plan.js'
import { type IptablesSettings } from './rule-context.js'
import { flowPortals, udpPortals } from './udp-portals.js'

export interface IptablesRulesOptions {
  readonly iptables: Iptables
  readonly settings: IptablesSettings
  readonly conntrack: Conntrack
  /** The node's main address; undefined when it has none of that family. */
  readonly nodeAddress: (family: IpFamily) => IpAddress | undefined
  /** The node's own addresses of a family, loopback left out. */
  readonly nodeAddresses: (family: IpFamily) => readonly IpAddress[]
  readonly surroundings: (family: IpFamily) => Surroundings
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
export class IptablesRules implements KernelRules {
  readonly family: IpFamily
  readonly #options: IptablesRulesOptions
  readonly #plan: IptablesPlan
  readonly #writer: RuleWriter
  #ports: readonly ServedPort[] = []
  #portals: readonly Portal[] = []
  #isRanged = false
  /** Whether what is wanted has been written; false before the first write, since links have to be there without Services too. */
  #isWritten = false
  #believes = false
  #surroundingsSaid = ''
  #udp: readonly unknown[] = []
  #udpPortals: readonly Portal[] = []
  #routesLocalnet = false

  constructor(options: IptablesRulesOptions) {
    const { iptables, settings, log } = options
    this.family = iptables.family
    this.#options = options
    this.#plan = new IptablesPlan(iptables.family, settings)
    this.#writer = new RuleWriter(iptables, TABLES, log)
  }

  /** Reads what is there, which the first write starts from. @throws ProxyFailure */
  async start(): Promise<void> {
    await this.#writer.read()
    this.#believes = true
    this.#isWritten = false
  }

  /**
   * Takes what is wanted from now on.
   * @param ports of any family; one that is as before is the same object
   * @param portals of any family; the same array while nothing of them changed
   */
  want(ports: Iterable<ServedPort>, portals: readonly Portal[]): void {
    const ofFamily: ServedPort[] = []
    for (const port of ports) if (port.servicePort.family === this.family) ofFamily.push(port)
    if (portals === this.#portals && sameItems(ofFamily, this.#ports)) return
    if (portals !== this.#portals)
      this.#isRanged = portals.some(portal => portal.servicePort.family === this.family && isRanged(portal))
    this.#ports = ofFamily
    this.#portals = portals
    this.#isWritten = false
  }

  /** All that is wanted now, written or not. */
  get wanted(): RuleSet {
    return this.#plan.of({ ports: this.#ports, portals: this.#portals, ...this.#surroundings() })
  }

  get pending(): boolean {
    return !this.#isWritten || JSON.stringify(this.#surroundings()) !== this.#surroundingsSaid
  }

  async program(verify: boolean): Promise<ProgramReport> {
    if (verify && this.#believes && !(await this.#canaryLives())) this.#believes = false
    const isRight = this.#believes || (await this.#writer.look())
    if (isRight && !this.pending) {
      this.#believes = true
      await this.#writer.leaveOtherModes('iptables')
      return this.#writer.unchanged
    }
    const surroundings = this.#surroundings()
    const input: PlanInput = { ports: this.#ports, portals: this.#portals, ...surroundings }
    this.#believes = false
    this.#isWritten = false
    const report = await this.#writer.write(this.#plan.of(input))
    this.#believes = true
    // What came in meanwhile is wanted and not written.
    this.#isWritten = input.ports === this.#ports && input.portals === this.#portals
    await this.#afterWrite(input, JSON.stringify(surroundings))
    await this.#writer.leaveOtherModes('iptables')
    return report
  }

  async #canaryLives(): Promise<boolean> {
    for (const table of TABLES) {
      const canary = await this.#options.iptables.readChain(table, PROXY_CANARY)
      if (canary === 'absent' || (canary !== 'unknown' && canary.length === 0)) return false
    }
    return true
  }

  async #afterWrite(input: PlanInput, surroundingsSaid: string): Promise<void> {
    const { allowRouteLocalnet, conntrack, nodeAddresses, log } = this.#options
    if (input.localhostNodePorts && !this.#routesLocalnet) {
      this.#routesLocalnet = true
      allowRouteLocalnet()
    }
    const udp = udpPortals(input)
    const items = [surroundingsSaid, ...udp.flatMap(({ portal, served }) => [portal, served])]
    const gone = this.#udpPortals
    const isAsBefore = sameItems(items, this.#udp)
    this.#udp = items
    this.#udpPortals = udp.map(({ portal }) => portal)
    this.#surroundingsSaid = surroundingsSaid
    if (isAsBefore || udp.length + gone.length === 0) return
    const flows = () => flowPortals(udp, gone, input, nodeAddresses(this.family))
    await forgetStaleFlows(conntrack, this.family, flows, log)
  }

  /** What the rules depend on besides Services; the node's address, which costs a look at the interfaces, where it counts. */
  #surroundings(): Pick<PlanInput, 'surroundings' | 'nodeAddress' | 'localhostNodePorts'> {
    const { surroundings, nodeAddress, localhostNodePorts } = this.#options
    return {
      surroundings: surroundings(this.family),
      nodeAddress: this.#isRanged ? nodeAddress(this.family) : undefined,
      localhostNodePorts: this.family === 'IPv4' && localhostNodePorts(this.family),
    }
  }
}

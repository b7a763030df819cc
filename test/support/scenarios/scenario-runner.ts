import { NodeManager } from '../../../lib/node/node-manager.js'
import { type Cidr } from '../../../lib/model/cidr.js'
import { type IpAddress } from '../../../lib/model/address.js'
import { type ObjectKind, objectKey } from '../../../lib/model/objects.js'
import { servicePortName } from '../../../lib/model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { buildSnapshot } from '../../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../../lib/snapshot/object-store.js'
import { servicesHealth } from '../../../lib/snapshot/services-health.js'
import { type ExplainedState } from '../../../lib/explain/explained-state.js'
import { type NodeNetwork } from '../../../lib/system/node-addresses.js'
import { type LogEntry, RecordingLog } from '../log/recording-log.js'
import { MemoryConntrack } from '../kernel/memory-conntrack.js'
import { MemoryIpSets } from '../kernel/memory-ip-sets.js'
import { MemoryIptables } from '../kernel/memory-iptables.js'
import { type ExpectedPort, type ScenarioMode, type ScenarioStep } from './scenario.js'
import { type FindListener, parseFlow } from './parse-flow.js'
import { IptablesHarness } from './iptables-harness.js'
import { IpvsHarness } from './ipvs-harness.js'
import { CLIENT_KINDS, type Client, type ExpectedPacket, type PacketOutcome, parsePacket } from './scenario-packets.js'
import { type ScenarioSettings } from './scenario-settings.js'
import { type ModeHarness } from './mode-harness.js'
import { explainedOutcome, scenarioState } from './explained-outcome.js'
import { UserspaceHarness } from './userspace-harness.js'

const OBJECT_KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const HARNESSES = { userspace: UserspaceHarness, iptables: IptablesHarness, ipvs: IpvsHarness }

const NO_ROUTES: readonly Cidr[] = []

/** What happened in a step, besides the state after it. */
export interface StepReport {
  readonly rulesWritten: boolean
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  readonly flows: ScenarioStep['flows']
}

/** All parts of the proxy that decide, from API objects to kernel rules, with sockets and kernel in memory. */
export class ScenarioRunner {
  readonly #settings: ScenarioSettings
  readonly #store: ObjectStore
  readonly #node: NodeManager
  readonly #conntrack = new MemoryConntrack()
  readonly #log = new RecordingLog()
  readonly #harness: ModeHarness
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #addresses: readonly IpAddress[]
  #problems: string[] = []
  readonly #mode: ScenarioMode
  /** What `kube-proxy explain` knows; made at the first packet of a step. */
  #explained: ExplainedState | undefined

  static async start(settings: ScenarioSettings, mode: ScenarioMode): Promise<ScenarioRunner> {
    const runner = new ScenarioRunner(settings, mode)
    await runner.#harness.proxier.start()
    return runner
  }

  private constructor(settings: ScenarioSettings, mode: ScenarioMode) {
    const { config } = settings
    this.#settings = settings
    this.#mode = mode
    this.#store = new ObjectStore(config.nodeName)
    this.#store.subscribe({
      onProblems: ({ kind, name, problems, wrongFamily }) =>
        this.#problems.push(...[...problems, ...wrongFamily].map(problem => `${kind} ${name}: ${problem}`)),
    })
    this.#addresses = settings.addresses
    this.#node = new NodeManager(
      config,
      () => this.#store.node,
      this.#readNetwork,
      () => NO_ROUTES,
    )
    const sets = new MemoryIpSets(() => iptables.flatMap(({ tables }) => [...tables.referencedSets]))
    const iptables: readonly MemoryIptables[] = settings.families.map(
      family => new MemoryIptables(family, name => sets.get(name) !== undefined),
    )
    const servesNodeAddresses = config.allowNodeAddressEndpoints
    const dependencies = {
      node: this.#node,
      servesNodeAddresses,
      iptables,
      sets,
      conntrack: this.#conntrack,
      log: this.#log,
    }
    this.#harness = new HARNESSES[mode](dependencies, () => this.#snapshot)
  }

  /** Service ports by name; the identity changes only when the listener or the rules of a port change. */
  get entries(): Map<string, readonly [port: ServedPort, identity: unknown]> {
    const ports = [...this.#snapshot.ports.values()]
    return new Map(ports.map(port => [servicePortLabel(port), [port, this.#harness.getIdentity(port)]]))
  }

  /** What the proxy serves, in the format of a scenario. */
  get served(): Record<string, ExpectedPort> {
    const table: Record<string, ExpectedPort> = {}
    for (const [name, [port]] of this.entries) {
      const served = this.#harness.observe(port)
      if (served !== undefined) table[name] = served
    }
    return table
  }

  /** What the health check ports report. */
  get health(): ScenarioStep['health'] {
    const table = servicesHealth(this.#snapshot).map(({ port, localEndpoints, ...service }) => [
      objectKey(service),
      { port, localEndpoints },
    ])
    return Object.fromEntries(table) as ScenarioStep['health']
  }

  /** Applies the objects and addresses of a step and syncs. */
  async applyStep(step: ScenarioStep): Promise<StepReport> {
    this.#problems = []
    this.#explained = undefined
    this.#log.entries.length = 0
    this.#addresses = step.addresses ?? this.#addresses
    const flows = Object.keys(step.flows).map(text => [text, parseFlow(text, this.#findListener)] as const)
    this.#conntrack.entries = flows.map(([, entry]) => entry)
    this.#applyObjects(step)
    const { config, families } = this.#settings
    const scope = { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts }
    this.#snapshot = buildSnapshot(this.#store, this.#store.takeChanges(), scope, this.#snapshot)
    const rulesWritten = await this.#sync()
    const left = new Set(this.#conntrack.entries)
    return {
      rulesWritten,
      problems: this.#problems,
      warnings: this.#log.entries.filter(({ severity }) => severity !== 'info').map(formatLogEntry),
      flows: Object.fromEntries(flows.map(([text, entry]) => [text, left.has(entry) ? 'kept' : 'forgotten'])),
    }
  }

  /** Where a packet goes. */
  resolvePacket(packet: ExpectedPacket): PacketOutcome {
    return this.#harness.resolvePacket(packet, this.#nodeAddresses, servicePortLabel)
  }

  /** Where a packet goes, as `kube-proxy explain` says. */
  explainPacket(packet: ExpectedPacket): PacketOutcome {
    const { config, families } = this.#settings
    this.#explained ??= scenarioState(this.#mode, config, this.#store, families, this.#nodeAddresses)
    return explainedOutcome(packet, this.#explained)
  }

  /** The kinds of clients for which the endpoints see the address of the node as source. */
  masqueradedClients(
    text: string,
    resolve = (packet: ExpectedPacket): PacketOutcome => this.resolvePacket(packet),
  ): Client[] {
    const packet = { ...parsePacket(text, text), outcome: '' }
    return CLIENT_KINDS.filter(client => {
      const { verdict, isMasqueraded = true } = resolve({ ...packet, client })
      return verdict === 'served' && isMasqueraded
    })
  }

  /** Does what the sync loop does. @throws Error if the kernel differs from what the proxier has written */
  async #sync(): Promise<boolean> {
    const { failed } = await this.#harness.proxier.update(this.#snapshot)
    if (failed > 0)
      throw new Error(`${failed} service ports failed: ${JSON.stringify(this.#log.entries.map(formatLogEntry))}`)
    let written = false
    for (const rules of this.#harness.proxier.rules)
      if (rules.pending) written = (await rules.program(false)).changed || written
    if (!(await this.#harness.verifyInSync()))
      throw new Error('The rules in the kernel differ from those that were written')
    await this.#harness.proxier.update(this.#snapshot)
    return written
  }

  /** The addresses of the node, the main one of each family first. */
  get #nodeAddresses(): IpAddress[] {
    const main = this.#settings.families.map(family => this.#node.getAddress(family)).filter(ip => ip !== undefined)
    return [...new Set([...main, ...this.#addresses])]
  }

  readonly #readNetwork = (): NodeNetwork => ({
    addresses: this.#addresses.map(ip => ({ interfaceName: 'eth0', ip })),
    defaultInterface: { IPv4: 'eth0', IPv6: 'eth0' },
  })

  readonly #findListener: FindListener = (name, listener) => {
    const [served] = this.entries.get(name) ?? []
    return served === undefined ? undefined : this.#harness.resolveFlowTarget(served, listener)
  }

  #applyObjects({ objects, apply = [], remove = [] }: ScenarioStep): void {
    if (objects !== undefined) {
      for (const kind of OBJECT_KINDS)
        this.#store.replace(
          kind,
          objects.filter(object => object.kind === kind),
        )
    }
    for (const object of apply) this.#store.upsert(object.kind, object)
    for (const reference of remove) {
      const [kind, name = ''] = reference.split(' ')
      const [namespace, own] = name.split('/')
      this.#store.remove(kind as ObjectKind, { metadata: { namespace, name: own } })
    }
  }
}

/** `default/web:http/TCP`; in IPv6 `default/web:http/TCP IPv6`. */
function servicePortLabel({ servicePort }: ServedPort): string {
  const name = `${servicePortName(servicePort)}/${servicePort.protocol}`
  return servicePort.family === 'IPv4' ? name : `${name} ${servicePort.family}`
}

function formatLogEntry({ message, fields }: LogEntry): string {
  return [message, ...Object.entries(fields).map(([name, value]) => `${name}="${value}"`)].join(' ')
}

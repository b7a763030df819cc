import { OwnNode } from '../../lib/control/own-node.js'
import { type IpAddress } from '../../lib/model/address.js'
import { type ObjectKind, objectKey } from '../../lib/model/objects.js'
import { servicePortName } from '../../lib/model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { servicesHealth } from '../../lib/snapshot/services-health.js'
import { type NodeNetwork } from '../../lib/system/node-addresses.js'
import { type LogEntry, RecordingLog } from '../observe/recording-log.js'
import { MemoryConntrack } from './memory-conntrack.js'
import { MemoryIpSets } from './memory-ip-sets.js'
import { MemoryIptables } from './memory-iptables.js'
import { type ExpectedPort, type ScenarioMode, type ScenarioStep } from './scenario.js'
import { type FindListener, readFlow } from './scenario-flows.js'
import { ScenarioIptables } from './scenario-iptables.js'
import { ScenarioIpvs } from './scenario-ipvs.js'
import { CLIENT_KINDS, type Client, type ExpectedPacket, type PacketAnswer, readPacket } from './scenario-packets.js'
import { type ScenarioSettings } from './scenario-settings.js'
import { type ScenarioSide } from './scenario-side.js'
import { ScenarioUserspace } from './scenario-userspace.js'

const KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const SIDES = { userspace: ScenarioUserspace, iptables: ScenarioIptables, ipvs: ScenarioIpvs }

/** What a step brought, besides the state that is there after it. */
export interface StepReport {
  readonly rulesWritten: boolean
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  readonly flows: ScenarioStep['flows']
}

/** All deciding parts put together, from API objects to the kernel's rules, with sockets and the kernel in memory. */
export class ScenarioWorld {
  readonly #settings: ScenarioSettings
  readonly #store: ObjectStore
  readonly #node: OwnNode
  readonly #conntrack = new MemoryConntrack()
  readonly #log = new RecordingLog()
  readonly #side: ScenarioSide
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #addresses: readonly IpAddress[]
  #problems: string[] = []

  static async start(settings: ScenarioSettings, mode: ScenarioMode): Promise<ScenarioWorld> {
    const world = new ScenarioWorld(settings, mode)
    await world.#side.proxier.start()
    return world
  }

  private constructor(settings: ScenarioSettings, mode: ScenarioMode) {
    const { config } = settings
    this.#settings = settings
    this.#store = new ObjectStore({
      nodeName: config.nodeName,
      onChange: () => undefined,
      onProblems: ({ kind, name, problems, wrongFamily }) =>
        this.#problems.push(...[...problems, ...wrongFamily].map(problem => `${kind} ${name}: ${problem}`)),
    })
    this.#addresses = settings.addresses
    this.#node = new OwnNode(config, () => this.#store.node, this.#network)
    const sets = new MemoryIpSets(() => iptables.flatMap(({ kernel }) => [...kernel.setsInUse]))
    const iptables: readonly MemoryIptables[] = settings.families.map(
      family => new MemoryIptables(family, name => sets.get(name) !== undefined),
    )
    const ground = { node: this.#node, iptables, sets, conntrack: this.#conntrack, log: this.#log }
    this.#side = new SIDES[mode](ground, () => this.#snapshot)
  }

  /** Service ports by name, each the object that downstream parts compare. */
  get entries(): Map<string, readonly [port: ServedPort, identity: unknown]> {
    const ports = [...this.#snapshot.ports.values()]
    return new Map(ports.map(port => [nameOf(port), [port, this.#side.identityOf(port)]]))
  }

  /** What is served, in the words of a scenario. */
  get served(): Record<string, ExpectedPort> {
    const table: Record<string, ExpectedPort> = {}
    for (const [name, [port]] of this.entries) {
      const served = this.#side.servedOf(port)
      if (served !== undefined) table[name] = served
    }
    return table
  }

  /** What load balancers are told. */
  get health(): ScenarioStep['health'] {
    const table = servicesHealth(this.#snapshot).map(({ port, localEndpoints, ...service }) => [
      objectKey(service),
      { port, localEndpoints },
    ])
    return Object.fromEntries(table) as ScenarioStep['health']
  }

  /** Makes the step's state true. */
  async take(step: ScenarioStep): Promise<StepReport> {
    this.#problems = []
    this.#log.entries.length = 0
    this.#addresses = step.addresses ?? this.#addresses
    const flows = Object.keys(step.flows).map(text => [text, readFlow(text, this.#findListener)] as const)
    this.#conntrack.entries = flows.map(([, entry]) => entry)
    this.#deliver(step)
    const { config, families } = this.#settings
    const scope = { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts }
    this.#snapshot = buildSnapshot(this.#store, this.#store.takeChanges(), scope, this.#snapshot)
    const rulesWritten = await this.#sync()
    const left = new Set(this.#conntrack.entries)
    return {
      rulesWritten,
      problems: this.#problems,
      warnings: this.#log.entries.filter(({ severity }) => severity !== 'info').map(asLine),
      flows: Object.fromEntries(flows.map(([text, entry]) => [text, left.has(entry) ? 'kept' : 'forgotten'])),
    }
  }

  /** What becomes of a packet. */
  answerTo(packet: ExpectedPacket): PacketAnswer {
    return this.#side.answerTo(packet, this.#ownAddresses, nameOf)
  }

  /** In whose place the endpoints of a packet see the node: of the kinds of clients, where this mode tells them apart. */
  masqueradedAt(text: string): Client[] {
    const packet = { ...readPacket(text, text), answer: '' }
    return CLIENT_KINDS.filter(client => {
      const { outcome, isMasqueraded = true } = this.answerTo({ ...packet, client })
      return outcome === 'served' && isMasqueraded
    })
  }

  /** As the sync loop does it; rules that were written must be found to be right. */
  async #sync(): Promise<boolean> {
    const { failed } = await this.#side.proxier.update(this.#snapshot)
    if (failed > 0) throw new Error(`${failed} could not be done: ${JSON.stringify(this.#log.entries.map(asLine))}`)
    let written = false
    for (const rules of this.#side.proxier.rules)
      if (rules.pending) written = (await rules.program(false)).changed || written
    if (!(await this.#side.isAsWritten())) throw new Error('rules were not as they were written')
    await this.#side.proxier.update(this.#snapshot)
    return written
  }

  /** The main one of each family first. */
  get #ownAddresses(): IpAddress[] {
    const main = this.#settings.families.map(family => this.#node.address(family)).filter(ip => ip !== undefined)
    return [...new Set([...main, ...this.#addresses])]
  }

  readonly #network = (): NodeNetwork => ({
    addresses: this.#addresses.map(ip => ({ interfaceName: 'eth0', ip })),
    defaultInterface: { IPv4: 'eth0', IPv6: 'eth0' },
  })

  readonly #findListener: FindListener = (name, listener) => {
    const [served] = this.entries.get(name) ?? []
    return served === undefined ? undefined : this.#side.flowEnd(served, listener)
  }

  #deliver({ objects, apply = [], remove = [] }: ScenarioStep): void {
    if (objects !== undefined) {
      for (const kind of KINDS)
        this.#store.replace(
          kind,
          objects.filter(object => object.kind === kind),
        )
    }
    for (const object of apply) this.#store.upsert(object.kind, object)
    for (const named of remove) {
      const [kind, name = ''] = named.split(' ')
      const [namespace, own] = name.split('/')
      this.#store.remove(kind as ObjectKind, { metadata: { namespace, name: own } })
    }
  }
}

/** `default/web:http/TCP`; in IPv6 `default/web:http/TCP IPv6`. */
function nameOf({ servicePort }: ServedPort): string {
  const name = `${servicePortName(servicePort)}/${servicePort.protocol}`
  return servicePort.family === 'IPv4' ? name : `${name} ${servicePort.family}`
}

function asLine({ message, fields }: LogEntry): string {
  return [message, ...Object.entries(fields).map(([name, value]) => `${name}="${value}"`)].join(' ')
}

import { OwnNode } from '../../lib/control/own-node.js'
import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { type IpAddress, hostPort } from '../../lib/model/address.js'
import { silentEvents } from '../../lib/model/event-sink.js'
import { type ObjectKind, objectKey } from '../../lib/model/objects.js'
import { servicePortName } from '../../lib/model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { entranceKey } from '../../lib/modes/userspace/entrance.js'
import { PortAllocator } from '../../lib/modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../../lib/modes/userspace/proxier.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { servicesHealth } from '../../lib/snapshot/services-health.js'
import { type NodeNetwork } from '../../lib/system/node-addresses.js'
import { type LogEntry, RecordingLog } from '../observe/recording-log.js'
import { MemoryConntrack } from './memory-conntrack.js'
import { MemoryIptables } from './memory-iptables.js'
import { MemoryListeners } from './memory-listeners.js'
import { type ExpectedPort, type ScenarioStep } from './scenario.js'
import { answerTo } from './scenario-answer.js'
import { type FindListener, readFlow } from './scenario-flows.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { type ScenarioSettings } from './scenario-settings.js'

const KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const PROXY_PORTS = { first: 40_000, last: 40_999 }

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
  readonly #iptables: readonly MemoryIptables[]
  readonly #listeners = new MemoryListeners()
  readonly #conntrack = new MemoryConntrack()
  readonly #log = new RecordingLog()
  readonly #proxier: UserspaceProxier
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #addresses: readonly IpAddress[]
  #problems: string[] = []

  static async start(settings: ScenarioSettings): Promise<ScenarioWorld> {
    const world = new ScenarioWorld(settings)
    await world.#proxier.start()
    return world
  }

  private constructor(settings: ScenarioSettings) {
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
    this.#iptables = settings.families.map(family => new MemoryIptables(family))
    this.#proxier = new UserspaceProxier({
      dataPlane: this.#listeners,
      iptables: this.#iptables,
      ports: new PortAllocator(PROXY_PORTS, () => 0),
      conntrack: this.#conntrack,
      events: silentEvents,
      log: this.#log,
      nodeAddress: family => this.#node.address(family),
      nodeAddresses: family => this.#node.addresses(family),
      surroundings: family => this.#node.surroundings(family),
      localhostNodePorts: family => this.#node.servesNodePortsOnLoopback(family),
    })
  }

  /** Service ports by name, each the object that downstream parts compare. */
  get entries(): Map<string, readonly [ServedPort, ListenerSpec | undefined]> {
    return new Map([...this.#snapshot.ports.values()].map(port => [nameOf(port), [port, this.#listenerOf(port)]]))
  }

  /** What is served, in the words of a scenario. */
  get served(): Record<string, ExpectedPort> {
    const table: Record<string, ExpectedPort> = {}
    for (const [name, [port, spec]] of this.entries) {
      if (spec === undefined) continue
      const { clusterIP, port: number, affinitySeconds } = port.servicePort
      table[name] = {
        clusterIP: hostPort(clusterIP, number),
        ...(affinitySeconds === undefined ? {} : { affinity: affinitySeconds }),
        ...(spec.balancer === 'round-robin' ? {} : { balancer: spec.balancer }),
        ...limitsOf(spec),
        endpoints: spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port)),
      }
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
    return answerTo(packet, {
      iptables: this.#iptables,
      listeners: this.#listeners,
      addresses: this.#ownAddresses,
      nameOf: ({ key }) => nameOf(this.#snapshot.ports.get(key.split('#')[0]!)!),
    })
  }

  /** As the sync loop does it; rules that were written must be found to be right. */
  async #sync(): Promise<boolean> {
    const { failed } = await this.#proxier.update(this.#snapshot)
    if (failed > 0) throw new Error(`${failed} listeners are not open`)
    let written = false
    for (const rules of this.#proxier.rules) {
      if (rules.pending) written = (await rules.program(false)).changed || written
      if ((await rules.program(true)).changed) throw new Error(`${rules.family}: rules were not as they were written`)
    }
    await this.#proxier.update(this.#snapshot)
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

  /** The listener that a ClusterIP leads to. */
  #listenerOf({ servicePort }: ServedPort): ListenerSpec | undefined {
    return this.#listeners.plan.get(entranceKey(servicePort.key, servicePort.internalPolicyLocal ? 'local' : 'cluster'))
  }

  readonly #findListener: FindListener = (name, entrance) => {
    const [served] = this.entries.get(name) ?? []
    return served === undefined ? undefined : this.#listeners.plan.get(entranceKey(served.servicePort.key, entrance))
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

function limitsOf({
  maxConnections,
  maxConnectionsPerClient,
}: ListenerSpec): Pick<ExpectedPort, 'maxConnections' | 'maxConnectionsPerClient'> {
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxConnectionsPerClient === undefined ? {} : { maxConnectionsPerClient }),
  }
}

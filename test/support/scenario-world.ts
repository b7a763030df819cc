import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { familyOf, hostPort } from '../../lib/model/address.js'
import { silentEvents } from '../../lib/model/event-sink.js'
import { type ObjectKind, objectKey } from '../../lib/model/objects.js'
import { servicePortName } from '../../lib/model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { entranceKey } from '../../lib/modes/userspace/entrance.js'
import { PortAllocator } from '../../lib/modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../../lib/modes/userspace/proxier.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { type LogEntry, RecordingLog } from '../observe/recording-log.js'
import { MemoryConntrack } from './memory-conntrack.js'
import { MemoryIptables } from './memory-iptables.js'
import { MemoryListeners } from './memory-listeners.js'
import { type ExpectedPort, type ScenarioStep } from './scenario.js'
import { packetFrom } from './scenario-client.js'
import { type FindListener, readFlow } from './scenario-flows.js'
import { ScenarioNode } from './scenario-node.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { type ScenarioSettings } from './scenario-settings.js'
import { afterNat, tracePacket } from './trace-packet.js'

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
  readonly #node: ScenarioNode
  readonly #iptables: readonly MemoryIptables[]
  readonly #listeners = new MemoryListeners()
  readonly #conntrack = new MemoryConntrack()
  readonly #log = new RecordingLog()
  readonly #proxier: UserspaceProxier
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #problems: string[] = []

  static async start(settings: ScenarioSettings): Promise<ScenarioWorld> {
    const world = new ScenarioWorld(settings)
    await world.#proxier.start()
    return world
  }

  private constructor(settings: ScenarioSettings) {
    this.#settings = settings
    this.#store = new ObjectStore({
      nodeName: settings.nodeName,
      onChange: () => undefined,
      onProblems: ({ kind, name, problems, wrongFamily }) =>
        this.#problems.push(...[...problems, ...wrongFamily].map(problem => `${kind} ${name}: ${problem}`)),
    })
    this.#node = new ScenarioNode(settings, () => this.#store.node)
    this.#iptables = settings.families.map(family => new MemoryIptables(family))
    this.#proxier = new UserspaceProxier({
      dataPlane: this.#listeners,
      iptables: this.#iptables,
      ports: new PortAllocator(PROXY_PORTS, () => 0),
      conntrack: this.#conntrack,
      events: silentEvents,
      log: this.#log,
      ...this.#node.forProxier,
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
        endpoints: spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port)),
      }
    }
    return table
  }

  /** Services that have a port for health checks. */
  get healthCheckNodePorts(): Record<string, number> {
    const having = [...this.#store.services.values()].filter(service => service.healthCheckNodePort !== 0)
    return Object.fromEntries(having.map(service => [objectKey(service), service.healthCheckNodePort]))
  }

  /** Makes the step's state true. */
  async take(step: ScenarioStep): Promise<StepReport> {
    this.#problems = []
    this.#log.entries.length = 0
    this.#node.addresses = step.addresses ?? this.#node.addresses
    const flows = Object.keys(step.flows).map(text => [text, readFlow(text, this.#findListener)] as const)
    this.#conntrack.entries = flows.map(([, entry]) => entry)
    this.#deliver(step)
    const { nodeName, families } = this.#settings
    const scope = { nodeName, families, rangesAtNodePorts: false }
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
  answerTo({ destination, port, protocol, client }: ExpectedPacket): PacketAnswer {
    const packet = {
      ...packetFrom(client, destination, this.#node),
      destination,
      port,
      protocol: protocol.toLowerCase() as 'tcp',
    }
    const iptables = this.#iptables.find(({ family }) => family === familyOf(destination))
    const verdict = iptables === undefined ? 'untouched' : tracePacket(iptables.kernel, packet)
    if (verdict === 'dropped' || verdict === 'refused') return { outcome: verdict }
    const arrived = afterNat(packet, verdict)
    const isHere = packet.local.includes(arrived.destination)
    const spec = isHere ? this.#listeners.at(arrived.destination, arrived.port, protocol) : undefined
    if (spec === undefined && verdict === 'untouched') return { outcome: verdict }
    if (spec === undefined) throw new Error(`${destination}:${port} is led to ${verdict}, where nobody listens`)
    const answer = this.#listeners.answer(spec, { source: packet.source, destination })
    if (typeof answer === 'string') return { outcome: answer }
    const servicePort = nameOf(this.#snapshot.ports.get(spec.key.split('#')[0]!)!)
    return { outcome: 'served', servicePort, endpoints: answer }
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

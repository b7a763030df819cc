import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { hostPort } from '../../lib/model/address.js'
import { type ObjectKind } from '../../lib/model/objects.js'
import { servicePortName } from '../../lib/model/service-port.js'
import { EMPTY_SNAPSHOT, type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { listenerSpecs } from '../../lib/modes/userspace/plan.js'
import { settleClaims } from '../../lib/modes/userspace/claims.js'
import { entranceKey } from '../../lib/modes/userspace/entrance.js'
import { type PortalTarget, portalRules } from '../../lib/modes/userspace/portal-rules.js'
import { type Portal, type PortalAction, portalsOf } from '../../lib/modes/userspace/portals.js'
import { parseSaveText } from '../../lib/rules/found-rules.js'
import { restoreText } from '../../lib/rules/restore-text.js'
import { buildSnapshot } from '../../lib/snapshot/build-snapshot.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { KernelRules } from './kernel-rules.js'
import { type ExpectedPort, type Scenario, type ScenarioStep } from './scenario.js'
import { tracePacket } from './trace-packet.js'

const KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const FIRST_PROXY_PORT = 40_000

/** All pure parts put together, from API objects to rules in a kernel, without sockets and programs. */
export class ScenarioWorld {
  readonly #node: Scenario['node']
  readonly #store: ObjectStore
  readonly #kernel = new KernelRules()
  #snapshot: ServiceSnapshot = EMPTY_SNAPSHOT
  #specs: ReadonlyMap<string, ListenerSpec> = new Map()
  #nextPort = FIRST_PROXY_PORT
  #problems: string[] = []

  constructor(node: Scenario['node']) {
    this.#node = node
    this.#store = new ObjectStore({
      nodeName: node.name,
      onChange: () => undefined,
      onProblems: ({ kind, name, problems, wrongFamily }) =>
        this.#problems.push(...[...problems, ...wrongFamily].map(problem => `${kind} ${name}: ${problem}`)),
    })
  }

  /** Service ports by name, each the object that downstream parts compare. */
  get entries(): Map<string, readonly [ServedPort, ListenerSpec | undefined]> {
    return new Map(
      [...this.#snapshot.ports.values()].map(port => [nameOf(port), [port, this.#specs.get(clusterIPKey(port))]]),
    )
  }

  /** What is served, in the words of a scenario. */
  get served(): Record<string, ExpectedPort> {
    const table: Record<string, ExpectedPort> = {}
    for (const port of this.#snapshot.ports.values()) {
      const spec = this.#specs.get(clusterIPKey(port))
      if (spec === undefined) continue
      const { clusterIP, port: number, affinitySeconds } = port.servicePort
      table[nameOf(port)] = {
        clusterIP: hostPort(clusterIP, number),
        ...(affinitySeconds === undefined ? {} : { affinity: affinitySeconds }),
        endpoints: spec.endpoints.map(endpoint => hostPort(endpoint.ip, endpoint.port)),
      }
    }
    return table
  }

  /** Makes the step's state true; says whether rules were written, and what was told about wrong fields. */
  take(step: ScenarioStep): { readonly rulesWritten: boolean; readonly problems: readonly string[] } {
    this.#problems = []
    this.#deliver(step)
    const scope = { nodeName: this.#node.name, families: ['IPv4'] as const, rangesAtNodePorts: false }
    this.#snapshot = buildSnapshot(this.#store, this.#store.takeChanges(), scope, this.#snapshot)
    const address = this.#node.address
    const options = {
      addressOf: () => address,
      portOf: () => this.#nextPort++,
      hasNodePort: () => false,
      localhostNodePorts: () => true,
    }
    this.#specs = listenerSpecs(this.#snapshot, options, this.#specs)
    const served = [...this.#snapshot.ports.values()].filter(({ servicePort }) => servicePort.protocol !== 'SCTP')
    const portals = settleClaims(served.flatMap(portalsOf)).served.map(portal => ({
      portal,
      fromNode: this.#targetOf(portal, portal.fromNode),
      fromPods: this.#targetOf(portal, portal.fromPods),
      fromElsewhere: this.#targetOf(portal, portal.fromElsewhere),
    }))
    const rules = portalRules('IPv4', {
      portals,
      surroundings: { fromPods: [], nodePortAddresses: undefined },
      proxyPorts: [],
    })
    const { text } = restoreText(rules, parseSaveText(this.#kernel.save()))
    this.#kernel.restore(text)
    return { rulesWritten: text !== '', problems: this.#problems }
  }

  #targetOf({ servicePort }: Portal, action: PortalAction): PortalTarget {
    if (action === 'drop') return action
    const { address, port } = this.#specs.get(entranceKey(servicePort.key, action))!
    return { address, port }
  }

  /** Who answers a packet to `10.96.0.10:80/TCP`: the name of a service port, or `untouched`. */
  answerTo(packet: string, hook: 'PREROUTING' | 'OUTPUT'): string {
    const match = /^([\d.]+):(\d+)\/(TCP|UDP|SCTP)$/.exec(packet)
    if (match === null) throw new Error(`"${packet}" is not written as 10.96.0.10:80/TCP`)
    const [, destination, port, protocol] = match
    const verdict = tracePacket(this.#kernel, {
      hook,
      destination: destination!,
      port: Number(port),
      protocol: protocol!.toLowerCase() as 'tcp',
    })
    if (verdict === 'untouched' || verdict === 'dropped') return verdict
    for (const [key, spec] of this.#specs) {
      const leadsHere = hostPort(spec.address, spec.port) === verdict || `port ${spec.port} here` === verdict
      if (leadsHere && spec.protocol === protocol) return nameOf(this.#snapshot.ports.get(key.split('#')[0]!)!)
    }
    return `led to ${verdict}, where nobody listens`
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

/** The key of the listener that a ClusterIP leads to. */
function clusterIPKey({ servicePort }: ServedPort): string {
  return entranceKey(servicePort.key, servicePort.internalPolicyLocal ? 'local' : 'cluster')
}

function nameOf({ servicePort }: ServedPort): string {
  return `${servicePortName(servicePort)}/${servicePort.protocol}`
}

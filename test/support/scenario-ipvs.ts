import { type IpAddress, familyOf, hostPort } from '../../lib/model/address.js'
import { silentEvents } from '../../lib/model/event-sink.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { IpvsProxier } from '../../lib/modes/ipvs/proxier.js'
import { type FoundServer, parseIpvsText } from '../../lib/system/ipvs-text.js'
import { type RealServer, serverKey } from '../../lib/system/virtual-server.js'
import { RecordingLog } from '../observe/recording-log.js'
import { endpointOfFlow } from './endpoint-of-flow.js'
import { HandMovedClock } from './hand-moved-clock.js'
import { MemoryConntrack } from './memory-conntrack.js'
import { MemoryDummyInterface } from './memory-dummy-interface.js'
import { MemoryIpvs } from './memory-ipvs.js'
import { type ExpectedPort } from './scenario.js'
import { packetFrom } from './scenario-client.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { type ScenarioGround, type ScenarioSide } from './scenario-side.js'
import { traceIpvs } from './trace-ipvs.js'

const SETTINGS = { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true }
/** By then nothing is trusted to be as it was, and what waited for its last connection is gone. */
const LATER_MS = 60_000

/** The kernel balances, and all that is known is read from its virtual servers, sets, addresses and rules. */
export class ScenarioIpvs implements ScenarioSide {
  readonly proxier: IpvsProxier
  readonly flowEnd = endpointOfFlow
  readonly #ground: ScenarioGround
  readonly #snapshot: () => ServiceSnapshot
  readonly #ipvs = new MemoryIpvs()
  readonly #dummy = new MemoryDummyInterface()
  readonly #clock = new HandMovedClock()

  constructor(ground: ScenarioGround, snapshot: () => ServiceSnapshot) {
    this.#ground = ground
    this.#snapshot = snapshot
    this.proxier = this.#makeProxier(ground)
  }

  /** Neither this process nor one that comes after it finds anything to do. */
  async isAsWritten(): Promise<boolean> {
    // Only TCP knows connections to wait for.
    if (this.#isAnyGoing(({ protocol }) => protocol !== 'TCP')) return false
    await this.#clock.advance(LATER_MS)
    const before = this.#writes
    if (this.#isAnyGoing(() => true)) return false
    for (const rules of this.proxier.rules) if ((await rules.program(true)).changed) return false
    const next = this.#makeProxier({ ...this.#ground, conntrack: new MemoryConntrack(), log: new RecordingLog() })
    await next.start()
    const { failed } = await next.update(this.#snapshot())
    let changed = failed > 0
    for (const rules of next.rules) changed = (await rules.program(false)).changed || changed
    next.stop()
    return !changed && this.#writes === before
  }

  servedOf(port: ServedPort): ExpectedPort | undefined {
    const { clusterIP, port: number } = port.servicePort
    const server = this.#serverOf(port)
    if (server === undefined) return undefined
    const { persistenceSeconds, scheduler, realServers } = server
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(persistenceSeconds === 0 ? {} : { affinity: persistenceSeconds }),
      ...(scheduler === 'lc' ? { balancer: 'least-connections' } : {}),
      endpoints: endsOf(realServers.filter(({ weight }) => weight === 1)),
    }
  }

  identityOf(port: ServedPort): string | undefined {
    return JSON.stringify(this.#serverOf(port))
  }

  answerTo(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketAnswer {
    const { sets, iptables } = this.#ground
    const ofFamily = iptables.find(({ family }) => family === familyOf(destination))
    if (ofFamily === undefined) return { outcome: 'untouched' }
    const sent = packetFrom(client, destination, [...addresses, ...this.#dummy.addresses])
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp', sets }
    const { verdict, realServers, isMasqueraded } = traceIpvs(
      { rules: ofFamily.kernel, servers: this.#servers },
      packet,
    )
    // At the address of a Service a process of the node may listen: there a rule has to refuse.
    const isRefusedByNode = sent.local.includes(destination) && !this.#dummy.addresses.includes(destination)
    if (verdict !== 'balanced') return { outcome: verdict, isRefusedByNode: verdict === 'untouched' && isRefusedByNode }
    const endpoints = endsOf(realServers)
    const servicePort = nameOf(this.#ownerOf(packet, protocol, endpoints))
    return { outcome: 'served', servicePort, endpoints, isMasqueraded }
  }

  /** Of the service ports that ask for an address the one whose endpoints are behind it. */
  #ownerOf(
    { destination, port }: { readonly destination: IpAddress; readonly port: number },
    protocol: string,
    ends: readonly string[],
  ): ServedPort {
    const owners = [...this.#snapshot().ports.values()].filter(({ servicePort, endpoints }) => {
      const { clusterIP, externalIPs, loadBalancerIPs, nodePort, family } = servicePort
      const isAsked = servicePort.port === port && [clusterIP, ...externalIPs, ...loadBalancerIPs].includes(destination)
      const isNodePort = nodePort === port && family === familyOf(destination)
      const has = new Set(endpoints.map(({ ip, port }) => hostPort(ip, port)))
      return servicePort.protocol === protocol && (isAsked || isNodePort) && ends.every(end => has.has(end))
    })
    if (owners.length !== 1) throw new Error(`${destination}:${port} may be of ${owners.length} service ports`)
    return owners[0]!
  }

  #serverOf({ servicePort: { protocol, clusterIP, port } }: ServedPort): FoundServer | undefined {
    const key = serverKey({ protocol, address: clusterIP, port })
    return this.#servers.find(server => serverKey(server) === key)
  }

  /** Whether real servers of such servers are there that take no new connections. */
  #isAnyGoing(isMeant: (server: FoundServer) => boolean): boolean {
    return this.#servers.filter(isMeant).some(({ realServers }) => realServers.some(({ weight }) => weight !== 1))
  }

  get #servers(): readonly FoundServer[] {
    return parseIpvsText(this.#ipvs.text)
  }

  get #writes(): number {
    const { sets, iptables } = this.#ground
    const ofRules = iptables.reduce((sum, { writes }) => sum + writes, 0)
    return this.#ipvs.writes + this.#dummy.writes + sets.writes + ofRules
  }

  #makeProxier({ node, iptables, sets, conntrack, log }: ScenarioGround): IpvsProxier {
    return new IpvsProxier({
      iptables,
      ipvs: this.#ipvs,
      sets,
      dummy: this.#dummy,
      conntrack,
      settings: SETTINGS,
      excludeCIDRs: [],
      surroundings: family => node.surroundings(family),
      nodeAddresses: family => node.addresses(family),
      timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
      applySettings: () => undefined,
      clock: this.#clock,
      events: silentEvents,
      log,
    })
  }
}

/** The kernel has them in the order in which they came; here they are in that of a list of endpoints. */
function endsOf(realServers: readonly RealServer[]): string[] {
  return realServers.map(({ address, port }) => hostPort(address, port)).sort()
}

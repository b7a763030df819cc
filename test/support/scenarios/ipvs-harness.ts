import { chainOwners } from '../../../lib/modes/registry.js'
import { type IpAddress, familyOf, hostPort } from '../../../lib/model/address.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { IpvsProxier } from '../../../lib/modes/ipvs/proxier.js'
import { type ObservedServer, parseIpvsText } from '../../../lib/system/ipvs-text.js'
import { type RealServer, serverKey } from '../../../lib/system/virtual-server.js'
import { RecordingLog } from '../log/recording-log.js'
import { kernelFlowTarget } from './kernel-flow-target.js'
import { ManualClock } from '../clock/manual-clock.js'
import { MemoryConntrack } from '../kernel/memory-conntrack.js'
import { MemoryDummyInterface } from '../kernel/memory-dummy-interface.js'
import { MemoryIpvs } from '../kernel/memory-ipvs.js'
import { type ExpectedPort } from './scenario.js'
import { clientPacket } from './client-packet.js'
import { type ExpectedPacket, type PacketOutcome } from './scenario-packets.js'
import { type HarnessDependencies, type ModeHarness } from './mode-harness.js'
import { traceIpvs } from '../kernel/trace-ipvs.js'

const SETTINGS = { scheduler: 'rr', masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true }
/** After this time the proxier reads everything again, and servers without connections are removed. */
const SETTLE_MS = 60_000

/** ipvs mode in memory. It reads everything from the kernel's virtual servers, sets, addresses and rules. */
export class IpvsHarness implements ModeHarness {
  readonly proxier: IpvsProxier
  readonly resolveFlowTarget = kernelFlowTarget
  readonly #dependencies: HarnessDependencies
  readonly #snapshot: () => ServiceSnapshot
  readonly #ipvs = new MemoryIpvs()
  readonly #dummy = new MemoryDummyInterface()
  readonly #clock = new ManualClock()

  constructor(dependencies: HarnessDependencies, snapshot: () => ServiceSnapshot) {
    this.#dependencies = dependencies
    this.#snapshot = snapshot
    this.proxier = this.#makeProxier(dependencies)
  }

  /** Whether neither this process nor a newly started one finds anything to change. */
  async verifyInSync(): Promise<boolean> {
    // Only TCP servers drain: other protocols have no connections to wait for.
    if (this.#hasDraining(({ protocol }) => protocol !== 'TCP')) return false
    await this.#clock.advance(SETTLE_MS)
    const before = this.#writeCount
    if (this.#hasDraining(() => true)) return false
    for (const rules of this.proxier.rules) if ((await rules.program(true)).changed) return false
    const next = this.#makeProxier({ ...this.#dependencies, conntrack: new MemoryConntrack(), log: new RecordingLog() })
    await next.start()
    const { failed } = await next.update(this.#snapshot())
    let changed = failed > 0
    for (const rules of next.rules) changed = (await rules.program(false)).changed || changed
    await next.stop()
    return !changed && this.#writeCount === before
  }

  observe(port: ServedPort): ExpectedPort | undefined {
    const { clusterIP, port: number } = port.servicePort
    const server = this.#serverOf(port)
    if (server === undefined) return undefined
    const { persistenceSeconds, scheduler, realServers } = server
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(persistenceSeconds === 0 ? {} : { affinity: persistenceSeconds }),
      ...(scheduler === 'lc' ? { balancer: 'least-connections' } : {}),
      endpoints: sortedEndpoints(realServers.filter(({ weight }) => weight === 1)),
    }
  }

  getIdentity(port: ServedPort): string | undefined {
    return JSON.stringify(this.#serverOf(port))
  }

  resolvePacket(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketOutcome {
    const { sets, iptables } = this.#dependencies
    const ofFamily = iptables.find(({ family }) => family === familyOf(destination))
    if (ofFamily === undefined) return { verdict: 'untouched' }
    const sent = clientPacket(client, destination, [...addresses, ...this.#dummy.addresses])
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp', sets }
    const { verdict, realServers, isMasqueraded } = traceIpvs(
      { rules: ofFamily.tables, servers: this.#servers },
      packet,
    )
    // At a Service address a process of the node may listen, so a rule has to refuse.
    const isRefusedByNode = sent.localAddresses.includes(destination) && !this.#dummy.addresses.includes(destination)
    if (verdict !== 'balanced') return { verdict: verdict, isRefusedByNode: verdict === 'untouched' && isRefusedByNode }
    const endpoints = sortedEndpoints(realServers)
    const servicePort = nameOf(this.#findServicePort(packet, protocol, endpoints))
    return { verdict: 'served', servicePort, endpoints, isMasqueraded }
  }

  /** Of the service ports with this address, the one to which the endpoints belong. */
  #findServicePort(
    { destination, port }: { readonly destination: IpAddress; readonly port: number },
    protocol: string,
    endpointsOfServer: readonly string[],
  ): ServedPort {
    const owners = [...this.#snapshot().ports.values()].filter(({ servicePort, endpoints }) => {
      const { clusterIP, externalIPs, loadBalancerIPs, nodePort, family } = servicePort
      const isAsked = servicePort.port === port && [clusterIP, ...externalIPs, ...loadBalancerIPs].includes(destination)
      const isNodePort = nodePort === port && family === familyOf(destination)
      const has = new Set(endpoints.map(({ ip, port }) => hostPort(ip, port)))
      return (
        servicePort.protocol === protocol &&
        (isAsked || isNodePort) &&
        endpointsOfServer.every(endpoint => has.has(endpoint))
      )
    })
    if (owners.length !== 1) throw new Error(`${destination}:${port} matches ${owners.length} service ports`)
    return owners[0]!
  }

  #serverOf({ servicePort: { protocol, clusterIP, port } }: ServedPort): ObservedServer | undefined {
    const key = serverKey({ protocol, address: clusterIP, port })
    return this.#servers.find(server => serverKey(server) === key)
  }

  /** Whether a virtual server that matches has real servers that accept no new connections. */
  #hasDraining(isMeant: (server: ObservedServer) => boolean): boolean {
    return this.#servers.filter(isMeant).some(({ realServers }) => realServers.some(({ weight }) => weight !== 1))
  }

  get #servers(): readonly ObservedServer[] {
    return parseIpvsText(this.#ipvs.listOutput)
  }

  get #writeCount(): number {
    const { sets, iptables } = this.#dependencies
    const ofRules = iptables.reduce((sum, { writes }) => sum + writes, 0)
    return this.#ipvs.writes + this.#dummy.writes + sets.writes + ofRules
  }

  #makeProxier({ node, iptables, sets, conntrack, log }: HarnessDependencies): IpvsProxier {
    return new IpvsProxier({
      iptables,
      chainOwners: chainOwners('ipvs'),
      ipvs: this.#ipvs,
      sets,
      dummy: this.#dummy,
      conntrack,
      settings: SETTINGS,
      excludeCIDRs: [],
      localTraffic: family => node.getLocalTraffic(family),
      nodeAddresses: family => node.getAddresses(family),
      localAddresses: family => node.getLocalAddresses(family),
      timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
      applySettings: () => undefined,
      maxStateAgeMs: 30_000,
      clock: this.#clock,
      events: discardEvents,
      log,
    })
  }
}

/** Sorts real servers like a list of endpoints; the kernel lists them in the order of their creation. */
function sortedEndpoints(realServers: readonly RealServer[]): string[] {
  return realServers.map(({ address, port }) => hostPort(address, port)).sort()
}

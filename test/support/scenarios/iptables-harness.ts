import { nodeOptions } from '../../../lib/modes/mode.js'
import { chainOwners } from '../../../lib/modes/registry.js'
import { type IpAddress, familyOf, hostPort } from '../../../lib/model/address.js'
import { discardEvents } from '../../../lib/model/event-sink.js'
import { servicePortName } from '../../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { IptablesProxier } from '../../../lib/modes/iptables/proxier.js'
import { serviceChainNames } from '../../../lib/modes/iptables/service-chain-names.js'
import { optionValue } from '../../../lib/netfilter/iptables-save.js'
import { kernelFlowTarget } from './kernel-flow-target.js'
import { type MemoryTables } from '../kernel/memory-tables.js'
import { type MemoryIptables } from '../kernel/memory-iptables.js'
import { type ExpectedPort } from './scenario.js'
import { clientPacket } from './client-packet.js'
import { type ExpectedPacket, type PacketOutcome } from './scenario-packets.js'
import { type HarnessDependencies, type ModeHarness } from './mode-harness.js'
import { traceAll } from '../kernel/trace-packet.js'

const SETTINGS = { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true, dropInvalid: true }

/** iptables mode in memory. It reads everything from the rules in the kernel. */
export class IptablesHarness implements ModeHarness {
  readonly proxier: IptablesProxier
  readonly resolveFlowTarget = kernelFlowTarget
  readonly #iptables: readonly MemoryIptables[]
  readonly #snapshot: () => ServiceSnapshot

  constructor({ node, iptables, conntrack, log }: HarnessDependencies, snapshot: () => ServiceSnapshot) {
    this.#iptables = iptables
    this.#snapshot = snapshot
    this.proxier = new IptablesProxier({
      iptables,
      chainOwners: chainOwners('iptables'),
      settings: SETTINGS,
      conntrack,
      ...nodeOptions(node),
      allowRouteLocalnet: () => undefined,
      events: discardEvents,
      log,
    })
  }

  async verifyInSync(): Promise<boolean> {
    for (const rules of this.proxier.rules) {
      if ((await rules.program(true)).changed) return false
      await rules.start()
      if ((await rules.program(false)).changed) return false
    }
    return true
  }

  observe(port: ServedPort): ExpectedPort {
    const { clusterIP, port: number, affinitySeconds } = port.servicePort
    const chain = this.#chainOf(port)
    const endpoints = chain.map(words => optionValue(words, '-j')!).filter(target => target.startsWith('KUBE-SEP-'))
    const affinityOption = chain.map(words => optionValue(words, '--seconds')).find(seconds => seconds !== undefined)
    const affinity = chain.length === 0 ? affinitySeconds : affinityOption
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(affinity === undefined ? {} : { affinity: Number(affinity) }),
      endpoints: [...new Set(endpoints)].map(chain => this.#dnatTargetOf(port, chain)),
    }
  }

  getIdentity(port: ServedPort): string {
    return JSON.stringify(this.#chainOf(port))
  }

  resolvePacket(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketOutcome {
    const ofFamily = this.#iptables.find(({ family }) => family === familyOf(destination))
    if (ofFamily === undefined) return { verdict: 'untouched' }
    const sent = clientPacket(client, destination, addresses)
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp' }
    const traces = traceAll(ofFamily.tables, packet)
    const verdicts = [...new Set(traces.map(({ verdict }) => verdict))]
    const [verdict] = verdicts
    if (verdict === 'dropped' || verdict === 'refused' || verdict === 'untouched') {
      if (verdicts.length > 1) throw new Error(`${destination}:${port} has random verdicts: ${verdicts.join(', ')}`)
      const isRefusedByNode = verdict === 'untouched' && packet.localAddresses.includes(destination)
      return { verdict: verdict, isRefusedByNode }
    }
    const comment = traces[0]!.comment!
    const servedPort = [...this.#snapshot().ports.values()].find(
      ({ servicePort }) =>
        servicePortName(servicePort) === comment &&
        servicePort.protocol === protocol &&
        servicePort.family === ofFamily.family,
    )
    const isMasqueraded = traces.some(({ isMasqueraded }) => isMasqueraded)
    return { verdict: 'served', servicePort: nameOf(servedPort!), endpoints: verdicts, isMasqueraded }
  }

  /** The chain that picks an endpoint for the ClusterIP. */
  #chainOf({ servicePort }: ServedPort): readonly (readonly string[])[] {
    const { cluster, local } = serviceChainNames(servicePort)
    return this.#tablesOf(servicePort).chain('nat', servicePort.internalPolicyLocal ? local : cluster) ?? []
  }

  #dnatTargetOf({ servicePort }: ServedPort, chain: string): string {
    const rules = this.#tablesOf(servicePort).chain('nat', chain) ?? []
    return rules.map(words => optionValue(words, '--to-destination')).find(end => end !== undefined)!
  }

  #tablesOf({ family }: ServedPort['servicePort']): MemoryTables {
    return this.#iptables.find(iptables => iptables.family === family)!.tables
  }
}

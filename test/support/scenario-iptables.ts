import { type IpAddress, familyOf, hostPort } from '../../lib/model/address.js'
import { silentEvents } from '../../lib/model/event-sink.js'
import { servicePortName } from '../../lib/model/service-port.js'
import { type ServedPort, type ServiceSnapshot } from '../../lib/model/snapshot.js'
import { IptablesProxier } from '../../lib/modes/iptables/proxier.js'
import { serviceChainNames } from '../../lib/modes/iptables/service-chain-names.js'
import { wordAfter } from '../../lib/rules/found-rules.js'
import { endpointOfFlow } from './endpoint-of-flow.js'
import { type KernelRules } from './kernel-rules.js'
import { type MemoryIptables } from './memory-iptables.js'
import { type ExpectedPort } from './scenario.js'
import { packetFrom } from './scenario-client.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { type ScenarioGround, type ScenarioSide } from './scenario-side.js'
import { tracesOf } from './trace-packet.js'

const SETTINGS = { masqueradeAll: false, masqueradeMark: 0x4000, randomFully: true, dropInvalid: true }

/** Packets are led to endpoints by the kernel's rules, and all that is known is read from these. */
export class ScenarioIptables implements ScenarioSide {
  readonly proxier: IptablesProxier
  readonly flowEnd = endpointOfFlow
  readonly #iptables: readonly MemoryIptables[]
  readonly #snapshot: () => ServiceSnapshot

  constructor({ node, iptables, conntrack, log }: ScenarioGround, snapshot: () => ServiceSnapshot) {
    this.#iptables = iptables
    this.#snapshot = snapshot
    this.proxier = new IptablesProxier({
      iptables,
      settings: SETTINGS,
      conntrack,
      nodeAddress: family => node.address(family),
      nodeAddresses: family => node.addresses(family),
      surroundings: family => node.surroundings(family),
      localhostNodePorts: family => node.servesNodePortsOnLoopback(family),
      allowRouteLocalnet: () => undefined,
      events: silentEvents,
      log,
    })
  }

  async isAsWritten(): Promise<boolean> {
    for (const rules of this.proxier.rules) {
      if ((await rules.program(true)).changed) return false
      await rules.start()
      if ((await rules.program(false)).changed) return false
    }
    return true
  }

  servedOf(port: ServedPort): ExpectedPort {
    const { clusterIP, port: number, affinitySeconds } = port.servicePort
    const chain = this.#chainOf(port)
    const endpoints = chain.map(words => wordAfter(words, '-j')!).filter(target => target.startsWith('KUBE-SEP-'))
    const remembered = chain.map(words => wordAfter(words, '--seconds')).find(seconds => seconds !== undefined)
    const affinity = chain.length === 0 ? affinitySeconds : remembered
    return {
      clusterIP: hostPort(clusterIP, number),
      ...(affinity === undefined ? {} : { affinity: Number(affinity) }),
      endpoints: [...new Set(endpoints)].map(chain => this.#destinationOf(port, chain)),
    }
  }

  identityOf(port: ServedPort): string {
    return JSON.stringify(this.#chainOf(port))
  }

  answerTo(
    { destination, port, protocol, client }: ExpectedPacket,
    addresses: readonly IpAddress[],
    nameOf: (port: ServedPort) => string,
  ): PacketAnswer {
    const ofFamily = this.#iptables.find(({ family }) => family === familyOf(destination))
    if (ofFamily === undefined) return { outcome: 'untouched' }
    const sent = packetFrom(client, destination, addresses)
    const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp' }
    const traces = tracesOf(ofFamily.kernel, packet)
    const verdicts = [...new Set(traces.map(({ verdict }) => verdict))]
    const [verdict] = verdicts
    if (verdict === 'dropped' || verdict === 'refused' || verdict === 'untouched') {
      if (verdicts.length > 1) throw new Error(`${destination}:${port} depends on chance: ${verdicts.join(', ')}`)
      const isRefusedByNode = verdict === 'untouched' && packet.local.includes(destination)
      return { outcome: verdict, isRefusedByNode }
    }
    const comment = traces[0]!.comment!
    const servedPort = [...this.#snapshot().ports.values()].find(
      ({ servicePort }) =>
        servicePortName(servicePort) === comment &&
        servicePort.protocol === protocol &&
        servicePort.family === ofFamily.family,
    )
    const isMasqueraded = traces.some(({ masqueraded }) => masqueraded)
    return { outcome: 'served', servicePort: nameOf(servedPort!), endpoints: verdicts, isMasqueraded }
  }

  /** The chain that chooses among the endpoints behind the ClusterIP. */
  #chainOf({ servicePort }: ServedPort): readonly (readonly string[])[] {
    const { cluster, local } = serviceChainNames(servicePort)
    return this.#kernelOf(servicePort).chain('nat', servicePort.internalPolicyLocal ? local : cluster) ?? []
  }

  #destinationOf({ servicePort }: ServedPort, chain: string): string {
    const rules = this.#kernelOf(servicePort).chain('nat', chain) ?? []
    return rules.map(words => wordAfter(words, '--to-destination')).find(end => end !== undefined)!
  }

  #kernelOf({ family }: ServedPort['servicePort']): KernelRules {
    return this.#iptables.find(iptables => iptables.family === family)!.kernel
  }
}

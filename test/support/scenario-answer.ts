import { type ListenerSpec } from '../../lib/dataplane/listener-plan.js'
import { type IpAddress, familyOf } from '../../lib/model/address.js'
import { type MemoryIptables } from './memory-iptables.js'
import { type MemoryListeners } from './memory-listeners.js'
import { packetFrom } from './scenario-client.js'
import { type ExpectedPacket, type PacketAnswer } from './scenario-packets.js'
import { afterNat, tracePacket } from './trace-packet.js'

/** What a packet meets on a node. */
export interface PacketPath {
  readonly iptables: readonly MemoryIptables[]
  readonly listeners: MemoryListeners
  /** Those of the node, the main one of each family first. */
  readonly addresses: readonly IpAddress[]
  /** The service port of a listener, in the words of a scenario. */
  readonly nameOf: (spec: ListenerSpec) => string
}

/** Sends a packet on its way and says what becomes of it. */
export function answerTo(
  { destination, port, protocol, client }: ExpectedPacket,
  { iptables, listeners, addresses, nameOf }: PacketPath,
): PacketAnswer {
  const sent = packetFrom(client, destination, addresses)
  const packet = { ...sent, destination, port, protocol: protocol.toLowerCase() as 'tcp' }
  const ofFamily = iptables.find(({ family }) => family === familyOf(destination))
  const verdict = ofFamily === undefined ? 'untouched' : tracePacket(ofFamily.kernel, packet)
  if (verdict === 'dropped' || verdict === 'refused') return { outcome: verdict }
  const arrived = afterNat(packet, verdict)
  const isHere = packet.local.includes(arrived.destination)
  const spec = isHere ? listeners.at(arrived.destination, arrived.port, protocol) : undefined
  if (spec === undefined && verdict === 'untouched') return { outcome: verdict }
  if (spec === undefined) throw new Error(`${destination}:${port} is led to ${verdict}, where nobody listens`)
  const answer = listeners.answer(spec, { source: packet.source, destination })
  if (typeof answer === 'string') return { outcome: answer }
  return { outcome: 'served', servicePort: nameOf(spec), endpoints: answer }
}

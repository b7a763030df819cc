import { type KubeProxyConfig } from '../../../lib/config/kube-proxy-config.js'
import { isLoopback } from '../../../lib/dataplane/limits/client-filter.js'
import { explainPacket } from '../../../lib/explain/explain-packet.js'
import { type ExplainedState } from '../../../lib/explain/explained-state.js'
import { type Explanation } from '../../../lib/explain/explanation.js'
import { NodeLayout } from '../../../lib/explain/node-layout.js'
import { type SenderText } from '../../../lib/explain/sender-text.js'
import { planState } from '../../../lib/explain/plan-state.js'
import { IP_FAMILIES, type IpAddress, type IpFamily, familyOf } from '../../../lib/model/address.js'
import { parseCidr } from '../../../lib/model/cidr.js'
import { modeByName } from '../../../lib/modes/registry.js'
import { type ObjectStore } from '../../../lib/snapshot/object-store.js'
import { clientPacket } from './client-packet.js'
import { type Client, type ExpectedPacket, type PacketOutcome } from './scenario-packets.js'

/** What `kube-proxy explain` knows in a scenario: the objects and the node, no kernel. */
export function scenarioState(
  mode: string,
  config: KubeProxyConfig,
  store: ObjectStore,
  families: readonly IpFamily[],
  addresses: readonly IpAddress[],
): ExplainedState {
  const route = (range: string, interfaceName: string) => ({ range: parseCidr(range)!, interfaceName })
  const layout = new NodeLayout({
    name: config.nodeName,
    main: Object.fromEntries(IP_FAMILIES.map(family => [family, addresses.find(ip => familyOf(ip) === family)])),
    addresses: addresses.map(ip => ({ interfaceName: 'eth0', ip })),
    routes: [
      ...[route('10.244.0.99/32', 'cni0'), route('fd00:244::99/128', 'cni0')],
      ...[route('0.0.0.0/0', 'eth0'), route('::/0', 'eth0')],
    ],
    localRanges: [],
    assumed: [],
  })
  return planState({ mode: modeByName(mode), config, store, layout, families, notes: [] })
}

/** What `kube-proxy explain` says about a packet. */
export function explainedOutcome(packet: ExpectedPacket, state: ExplainedState): PacketOutcome {
  const { destination: address, port, protocol, client } = packet
  if (!state.rules.has(familyOf(address))) return { verdict: 'untouched' }
  const addresses = [...state.layout.addresses.map(({ ip }) => ip), ...state.serviceAddresses]
  const from = senderOf(client, clientPacket(client, address, addresses).source, addresses)
  const to = { kind: 'address', address, port, protocol } as const
  return outcomeOf(explainPacket({ from, to, namespace: 'default', version: '' }, state))
}

function senderOf(client: Client, source: IpAddress, addresses: readonly IpAddress[]): SenderText {
  if (client === 'pod' || client === 'outside') return { kind: client, address: source }
  if (client === 'node') return { kind: 'node', address: isLoopback(source) ? source : undefined }
  return { kind: addresses.includes(source) || isLoopback(source) ? 'node' : 'outside', address: source }
}

function outcomeOf({ ways, service }: Explanation): PacketOutcome {
  const ends = [...new Set(ways.map(({ end }) => end))]
  if (ends.length !== 1 || ways.some(({ assumptions }) => assumptions.length > 0))
    throw new Error(`Not one end: ${ends.join(', ')}`)
  switch (ends[0]) {
    case 'endpoint': {
      const unlike = service!.candidates.filter(({ isUsed, odds }) => isUsed !== odds > 0)
      if (unlike.length > 0) throw new Error(`Endpoints with a wrong reason: ${JSON.stringify(unlike)}`)
      return {
        verdict: 'served',
        servicePort: `${service!.name}/${service!.protocol}${ways[0]!.endpoint!.startsWith('[') ? ' IPv6' : ''}`,
        endpoints: ways.map(({ endpoint }) => endpoint!),
        isMasqueraded: ways.some(({ seesClient }) => !seesClient),
      }
    }
    case 'dropped':
    case 'refused':
      return { verdict: ends[0] }
    case 'reset':
      return { verdict: 'refused' }
    case 'node':
    case 'elsewhere':
      return { verdict: 'untouched', isRefusedByNode: ends[0] === 'node' }
    default:
      throw new Error(`Unexpected end: ${ends[0]}`)
  }
}

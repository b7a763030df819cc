import { type IpAddress, type IpFamily, familyOf } from '../model/address.js'
import { LOOPBACK, cidrContains } from '../model/cidr.js'
import { ProxyFailure } from '../model/failure.js'
import { quoteValue } from '../primitives/quote-value.js'
import { type ExplainedState, isNodeAddress } from './explained-state.js'
import { type SenderText } from './sender-text.js'

/** Who sends the packet. */
export interface Sender {
  readonly kind: 'pod' | 'node' | 'outside'
  readonly address: IpAddress
  readonly hook: 'PREROUTING' | 'OUTPUT'
  /** The interface that the packet comes in by; undefined: unknown, or none. */
  readonly inInterface: string | undefined
  /** In words: `Pod 10.244.0.2 of this node`. */
  readonly text: string
}

/** Addresses for documentation (RFC 5737, RFC 3849), for a host outside of which only the place matters. */
const ANY_HOST: Readonly<Record<IpFamily, IpAddress>> = { IPv4: '192.0.2.99', IPv6: '2001:db8::99' }

/**
 * Finds who sends.
 * @param destination the address that the packet is for; its family is that of the packet
 * @throws ProxyFailure EXPLAIN_INVALID if the sender cannot send there
 */
export function findSender(sender: SenderText, destination: IpAddress, state: ExplainedState): Sender {
  const { layout } = state
  const family = familyOf(destination)
  const { address } = sender
  if (address !== undefined && familyOf(address) !== family)
    throw new ProxyFailure('EXPLAIN_INVALID', `${address} is not of the family of ${destination}`, {
      hint: `Name a sender with an ${family} address`,
    })
  const kind = sender.kind === 'address' ? kindOf(sender.address, state) : sender.kind
  if (kind === 'node') return fromNode(address, destination, state)
  if (cidrContains(LOOPBACK[family], destination))
    throw new ProxyFailure(
      'EXPLAIN_INVALID',
      `${destination} is a loopback address: no packet comes there from elsewhere`,
      {
        hint: 'Write "node" as the sender',
      },
    )
  if (address !== undefined && layout.isOwnAddress(address)) {
    if (kind === 'pod') return fromNode(address, destination, state)
    throw new ProxyFailure('EXPLAIN_INVALID', `${address} is an address of the node, so it is not outside`, {
      hint: 'Write "node" as the sender',
    })
  }
  const source = address ?? (kind === 'pod' ? anyPod(family, state) : ANY_HOST[family])
  const isHere = kind === 'pod' && layout.isPodHere(source)
  const what = kind === 'outside' ? 'host' : 'Pod'
  const where = kind === 'outside' ? 'outside the cluster' : isHere ? 'of this node' : 'of another node'
  return {
    kind,
    address: source,
    hook: 'PREROUTING',
    inInterface: layout.routeTo(source)?.interfaceName,
    text: `${what} ${source} ${where}${address === undefined ? ' (any address)' : ''}`,
  }
}

/** A process that sends to an address of its own machine sends from that address, also if it is one of a Service (ipvs mode). */
function fromNode(address: IpAddress | undefined, destination: IpAddress, state: ExplainedState): Sender {
  const { layout } = state
  const source = address ?? (isNodeAddress(state, destination) ? destination : layout.sourceFor(destination))
  if (source === undefined || !isNodeAddress(state, source))
    throw new ProxyFailure(
      'EXPLAIN_INVALID',
      source === undefined
        ? 'The node has no address of this family'
        : `${quoteValue(source)} is no address of the node`,
      { hint: `Its addresses are ${layout.addresses.map(({ ip }) => ip).join(', ')}` },
    )
  return {
    kind: 'node',
    address: source,
    hook: 'OUTPUT',
    inInterface: undefined,
    text: `a process of the node, from ${source}`,
  }
}

/** What an address is: of the node, of a Pod, or of a host outside. */
function kindOf(address: IpAddress, { layout, known }: ExplainedState): Sender['kind'] {
  if (layout.isOwnAddress(address)) return 'node'
  const endpoints = known?.endpoints ?? []
  return layout.isPodHere(address) || endpoints.some(({ ip }) => ip === address) ? 'pod' : 'outside'
}

/** An endpoint of this node is a Pod for certain. */
function anyPod(family: IpFamily, { known, layout }: ExplainedState): IpAddress {
  const endpoints = known?.endpoints ?? []
  const pod = endpoints.find(({ ip, isLocal }) => isLocal && familyOf(ip) === family && layout.isPodHere(ip))
  if (pod !== undefined) return pod.ip
  throw new ProxyFailure('EXPLAIN_INVALID', 'No Pod of this node is known', {
    hint: 'Name the address of the Pod: pod/10.244.0.2',
  })
}

import { ClientFilter, isLoopback } from '../dataplane/limits/client-filter.js'
import { type ListenerSpec, shouldListen } from '../dataplane/listener-plan.js'
import { type IpAddress, familyOf, hostPort, unspecifiedAddress } from '../model/address.js'
import { type PacketView } from '../netfilter/walk/packet-view.js'
import { countOf, plainStep } from './explain-step.js'
import { type ExplainedStep } from './explanation.js'
import { type KeptEndpoint } from './live-sockets.js'

/** The listener that gets a packet to an address of the node: one at the address itself before one at all addresses. */
export function listenerAt(listeners: readonly ListenerSpec[], packet: PacketView): ListenerSpec | undefined {
  const own = listeners.filter(({ port, protocol }) => port === packet.port && protocol === packet.protocol)
  const all = unspecifiedAddress(familyOf(packet.destination))
  return own.find(({ address }) => address === packet.destination) ?? own.find(({ address }) => address === all)
}

/** How a listener turns a client away; undefined: it serves it. */
export function refusalOf(
  spec: ListenerSpec,
  { source, destination }: PacketView,
): { readonly end: 'dropped' | 'refused' | 'reset'; readonly steps: readonly ExplainedStep[] } | undefined {
  const place = hostPort(spec.address, spec.port)
  const turnAway = (end: 'dropped' | 'refused' | 'reset', sentence: string) => ({
    end,
    steps: [plainStep('listener', sentence)],
  })
  if (!shouldListen(spec))
    return turnAway(
      'refused',
      `No endpoint serves this traffic, so the proxy does not listen at ${place}: the kernel refuses.`,
    )
  const isTcp = spec.protocol === 'TCP'
  const end = isTcp ? 'reset' : 'dropped'
  const decides = isTcp ? destination : (source ?? destination)
  if (spec.holdsNodePort && !isLoopback(decides))
    return turnAway(
      end,
      `The proxy only holds the node port at ${place}: it serves no client but those on loopback there.`,
    )
  if (source !== undefined && !new ClientFilter(spec.sourceRanges).allows(source))
    return turnAway(
      end,
      `The proxy accepts at ${place} and turns the client away: ${source} is in no source range of the Service.`,
    )
  if (spec.endpoints.length === 0)
    return turnAway(end, `The proxy accepts at ${place} and turns the client away: no endpoint serves this traffic.`)
  return undefined
}

/** How an endpoint is picked now. */
export interface PickFacts {
  /** What the client keeps; undefined: nothing, or it is not known. */
  readonly kept: KeptEndpoint | undefined
  /** How many endpoints may be picked. */
  readonly count: number
}

/** What the proxy does between the client and the endpoint. */
export function listenerSteps(
  spec: ListenerSpec,
  endpoint: ListenerSpec['endpoints'][number],
  packet: PacketView,
  source: IpAddress | undefined,
  { kept, count }: PickFacts,
): ExplainedStep[] {
  const target = hostPort(endpoint.ip, endpoint.port)
  const client = packet.source ?? 'the client'
  const what = spec.protocol === 'TCP' ? 'connection' : 'flow'
  return [
    plainStep(
      'listener',
      `A socket of kube-proxy at ${hostPort(spec.address, spec.port)} takes the ${what} of ${client}.`,
    ),
    plainStep(
      'pick',
      kept === undefined
        ? `kube-proxy picks ${target} of ${countOf(count, 'endpoint')} (${pickText(spec)}).`
        : `kube-proxy gives ${client} the endpoint that it keeps by session affinity: ${target}.`,
    ),
    plainStep('connection', `kube-proxy opens its own ${what} to ${target}.`, {
      before: { source: client, destination: hostPort(packet.destination, packet.port) },
      after: { source: source ?? 'an address of the node', destination: target },
    }),
  ]
}

/** How a listener picks. */
export function pickText({ balancer }: Pick<ListenerSpec, 'balancer'>): string {
  switch (balancer) {
    case 'round-robin':
      return 'they take turns'
    case 'least-connections':
      return 'the one with the fewest open connections'
    case 'random-two-choices':
      return 'of two at random, the one with fewer open connections'
  }
}

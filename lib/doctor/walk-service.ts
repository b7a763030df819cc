import { type Frontend } from '../frontends/frontend.js'
import { type ExplainedState, factsOf } from '../explain/explained-state.js'
import { type Sender, findSender } from '../explain/find-sender.js'
import { type SenderText } from '../explain/sender-text.js'
import { type IpAddress, familyOf, ipBytes, printIp } from '../model/address.js'
import { type Cidr, cidrContains } from '../model/cidr.js'
import { ProxyFailure } from '../model/failure.js'
import { type OwnedChains } from '../netfilter/stale-chains.js'
import { type Packet } from '../netfilter/walk/packet-view.js'
import { walkRules } from '../netfilter/walk/walk-rules.js'
import { type EndpointView } from '../status/endpoint-view.js'
import { type FrontendView, type ServiceView } from '../status/service-view.js'
import { type JudgedRules, judgeWalk } from './judge-walk.js'
import { type EndpointWalk, type ServiceWalk } from './kernel-facts.js'
import { type ProbeTarget } from './probe-endpoints.js'

/** What walks depend on. */
export interface WalkInput {
  readonly state: ExplainedState
  /** The chains of the mode that serves. */
  readonly chains: OwnedChains
  readonly ports: readonly ServiceView[]
  readonly endpoints: readonly EndpointView[]
  /** Undefined: there are none, or they are not known. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** The client that has the trouble; undefined: one of each kind. */
  readonly client: IpAddress | undefined
}

/** More addresses of a node than this are of no interest for one node port. */
const MAX_NODE_ADDRESSES = 16

/** Follows packets of each kind of client to each address of the Service. Nothing is sent. */
export function walkService(input: WalkInput): ServiceWalk[] {
  return input.ports.flatMap(port =>
    port.frontends.filter(({ isServed }) => isServed).flatMap(frontend => walkFrontend(frontend, port, input)),
  )
}

/** Follows a connection of the node to each endpoint. */
export function walkToEndpoints(targets: readonly ProbeTarget[], input: WalkInput): EndpointWalk[] {
  return targets.flatMap(({ address, host, port }): EndpointWalk[] => {
    const { state } = input
    const rules = state.rules.get(familyOf(host))
    const source = state.layout.sourceFor(host)
    if (rules === undefined || source === undefined) return []
    const packet: Packet = { hook: 'OUTPUT', protocol: 'TCP', source, destination: host, port }
    return [{ address, outcome: judgeWalk(walkRules(rules, packet, factsOf(state)), { rules, chains: input.chains }) }]
  })
}

function walkFrontend(frontend: FrontendView, port: ServiceView, input: WalkInput): ServiceWalk[] {
  const { state, client } = input
  const rules = state.rules.get(port.family)
  if (rules === undefined || (client !== undefined && familyOf(client) !== port.family)) return []
  const main = state.layout.main[port.family]
  const addresses =
    frontend.address === null
      ? state.layout.addresses.map(({ ip }) => ip).filter(ip => familyOf(ip) === port.family)
      : [frontend.address]
  const senders =
    client === undefined ? usualSenders(frontend, port, input) : [{ kind: 'address', address: client } as const]
  return addresses.slice(0, MAX_NODE_ADDRESSES).flatMap(address =>
    senders.flatMap((text): ServiceWalk[] => {
      const sender = senderAt(text, address, state)
      if (sender === undefined || !isExpected(frontend, sender.kind, port)) return []
      const judged: JudgedRules = { rules, chains: input.chains }
      const { hook, address: source, inInterface } = sender
      const packet = { hook, protocol: port.protocol, source, destination: address, port: frontend.port, inInterface }
      return [
        {
          ...{ from: sender.kind, source, sender: sender.text, kind: frontend.kind, address, port: frontend.port },
          ...{ protocol: port.protocol, portName: port.portName },
          isMain: frontend.address !== null || address === main,
          isLimited: isFirewalled(frontend, sender.kind),
          isInRanges: isFirewalled(frontend, sender.kind) ? isInAny(input.sourceRanges, source) : undefined,
          outcome: judgeWalk(walkRules(rules, packet, factsOf(state)), judged),
        },
      ]
    }),
  )
}

/** A Pod, the node, and a host outside: in the source ranges, if there are any, and another one that is not. */
function usualSenders(frontend: FrontendView, port: ServiceView, input: WalkInput): SenderText[] {
  const senders: SenderText[] = []
  const pod = neighbourPod(port, input)
  if (pod !== undefined) senders.push({ kind: 'pod', address: pod })
  if (frontend.address !== null) senders.push({ kind: 'node', address: undefined })
  if (frontend.kind === 'cluster IP') return senders
  const inside = isFirewalled(frontend, 'outside') ? addressIn(input.sourceRanges ?? [], port) : undefined
  if (inside !== undefined) senders.push({ kind: 'outside', address: inside })
  return [...senders, { kind: 'outside', address: undefined }]
}

function isInAny(ranges: readonly Cidr[] | undefined, address: IpAddress): boolean | undefined {
  return ranges?.some(range => cidrContains(range, address))
}

/** A client that the ranges let in. */
function addressIn(ranges: readonly Cidr[], { family }: ServiceView): IpAddress | undefined {
  const range = ranges.find(each => each.family === family && each.bits > 0)
  if (range === undefined) return undefined
  return range.bits < (family === 'IPv4' ? 31 : 127) ? nextAddress(range.network) : range.network
}

function isFirewalled({ actions }: FrontendView, from: Sender['kind']): boolean {
  const action = actions?.[from === 'node' ? 'fromNode' : from === 'pod' ? 'fromPods' : 'fromExternal']
  return action === 'cluster-firewalled' || action === 'local-firewalled'
}

/** Whether an endpoint may serve the sender: without one, the proxy refuses or drops its packets. */
function isExpected({ actions, kind }: FrontendView, from: Sender['kind'], { endpoints }: ServiceView): boolean {
  if (actions === null || (kind === 'cluster IP' && from === 'outside')) return false
  const action: Frontend['fromNode'] =
    actions[from === 'node' ? 'fromNode' : from === 'pod' ? 'fromPods' : 'fromExternal']
  if (action === 'drop') return false
  return action === 'cluster' || action === 'cluster-firewalled' ? endpoints.cluster > 0 : endpoints.local > 0
}

/** An address beside that of an endpoint of this node, on the same network: a Pod that is no endpoint itself. */
function neighbourPod({ family }: ServiceView, { state, endpoints }: WalkInput): IpAddress | undefined {
  const taken = new Set(endpoints.map(({ address }) => ipOf(address)))
  const here = [...taken].find(ip => ip !== undefined && familyOf(ip) === family && state.layout.isPodHere(ip))
  let candidate = here
  for (let tries = 0; candidate !== undefined && tries < 100; tries++) {
    candidate = nextAddress(candidate)
    if (taken.has(candidate) || state.layout.isOwnAddress(candidate)) continue
    return state.layout.isPodHere(candidate) ? candidate : here
  }
  return here
}

function ipOf(address: string): IpAddress | undefined {
  const [, inBrackets, plain] = /^(?:\[(.+)\]|([^[\]]+)):\d+$/.exec(address) ?? []
  return inBrackets ?? plain
}

function nextAddress(ip: IpAddress): IpAddress {
  const bytes = Uint8Array.from(ipBytes(ip)!)
  bytes[bytes.length - 1]! += 1
  return printIp(bytes)
}

/** What an address is, as seen from this node; undefined: none is named. */
export function clientKindOf({ client, state }: Pick<WalkInput, 'client' | 'state'>): Sender['kind'] | undefined {
  if (client === undefined) return undefined
  if (state.layout.isOwnAddress(client)) return 'node'
  return state.layout.isPodHere(client) ? 'pod' : 'outside'
}

/** Undefined: there is no such sender here, such as a node without an address of the family. */
function senderAt(text: SenderText, destination: IpAddress, state: ExplainedState): Sender | undefined {
  try {
    return findSender(text, destination, state)
  } catch (error) {
    if (error instanceof ProxyFailure) return undefined
    throw error
  }
}

import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { hostPort } from '../model/address.js'
import { type RuleTables } from '../netfilter/rule-tables.js'
import { type Assumption, type PacketPath, sourceTranslationOf, translationOf } from '../netfilter/walk/packet-path.js'
import { type NodeFacts, type Packet } from '../netfilter/walk/packet-view.js'
import { ruleLine } from '../netfilter/walk/rule-parts.js'
import { walkRules } from '../netfilter/walk/walk-rules.js'
import { explainStep, plainStep } from './explain-step.js'
import { type ExplainedState } from './explained-state.js'
import { type ExplainedWay, type KeptByAffinity, type WayEnd } from './explanation.js'
import { listenerSteps, refusalOf } from './listener-steps.js'
import { wayBack } from './way-back.js'

type ListenerTarget = ListenerSpec['endpoints'][number]

/** What the ways of a packet depend on. */
export interface WaysInput {
  readonly packet: Packet
  readonly state: ExplainedState
  readonly facts: NodeFacts
  readonly rules: RuleTables
  /** Further ways get no steps: each costs time, and a Service may have 10,000 endpoints. */
  readonly mostWays: number
}

/** The ways of a packet. */
export interface ExplainedWays {
  readonly ways: readonly ExplainedWay[]
  /** Whether none was left out. */
  readonly isComplete: boolean
  /** The socket of the proxy that takes the packet; undefined: none, or none is known. */
  readonly listener: ListenerSpec | undefined
  /** The endpoint that the rules remember for the client. */
  readonly remembered: KeptByAffinity | undefined
}

/** Follows a packet on all its ways. */
export function explainWays(input: WaysInput): ExplainedWays {
  const { paths, isComplete } = walkRules(input.rules, input.packet, input.facts)
  const listeners = paths.map(path => findListener(path, input))
  const ways: ExplainedWay[] = []
  for (const [index, path] of paths.entries())
    for (const way of waysOf(path, listeners[index], input, input.mostWays - ways.length)) ways.push(way)
  return {
    ways,
    isComplete,
    listener: listeners.find(listener => listener !== undefined),
    remembered: rememberedEndpoint(paths, input.facts),
  }
}

function findListener(path: PacketPath, { state, packet }: WaysInput): ListenerSpec | undefined {
  return path.end.kind === 'delivered' ? state.findListener(path.packet, packet) : undefined
}

/** @param mostSteps how many of these ways get steps */
function waysOf(
  path: PacketPath,
  listener: ListenerSpec | undefined,
  input: WaysInput,
  mostSteps: number,
): ExplainedWay[] {
  const { state, rules } = input
  const steps = mostSteps > 0 ? path.steps.map(step => explainStep(step, rules)) : []
  const base = { odds: path.probability, assumptions: path.assumptions.map(assumptionText), steps }
  if (listener !== undefined) return listenerWays(listener, path, base, input, mostSteps)
  const end = wayEnd(path, state)
  const isReached = end === 'endpoint'
  const { packet } = path
  const isClient = sourceTranslationOf(path) === undefined
  if (turnsBack(path, input)) return [turnedBack(path, base, input)]
  const way = {
    ...base,
    end,
    endpoint: isReached ? hostPort(packet.destination, packet.port) : null,
    sourceSeen: isReached || end === 'node' || end === 'elsewhere' ? (packet.source ?? null) : null,
    seesClient: isClient,
  }
  return [{ ...way, wayBack: wayBack(way, path, input) }]
}

/** Whether the packet would leave by the interface that it came in by, and the interface is known not to do that. */
function turnsBack({ end, packet: { destination, outInterface } }: PacketPath, { packet, state }: WaysInput): boolean {
  // Two Pods of one bridge have different ports.
  if (end.kind !== 'sent' || outInterface === undefined || outInterface !== packet.inInterface) return false
  return destination === packet.source && state.canTurnBack(outInterface) === false
}

function turnedBack(
  path: PacketPath,
  base: Pick<ExplainedWay, 'odds' | 'assumptions' | 'steps'>,
  input: WaysInput,
): ExplainedWay {
  const { outInterface } = path.packet
  const sentence = `The packet would go back to its sender by ${outInterface}, and this bridge does not send a packet back by the port that it came in by: hairpin mode is off there.`
  const way = {
    ...base,
    steps: [...base.steps, plainStep('route', sentence)],
    end: 'dropped' as const,
    endpoint: null,
    sourceSeen: null,
    seesClient: false,
  }
  return { ...way, wayBack: wayBack(way, path, input) }
}

function wayEnd(path: PacketPath, { carriedBy }: ExplainedState): WayEnd {
  const { end } = path
  switch (end.kind) {
    case 'dropped':
    case 'refused':
    case 'unknown':
      return end.kind
    case 'sent':
    case 'delivered': {
      const isHere = end.kind === 'delivered'
      const step = translationOf(path)
      if (step === undefined) return isHere ? 'node' : 'elsewhere'
      return isHere && step.kind === 'rule' && carriedBy === 'sockets' ? 'proxy-port' : 'endpoint'
    }
  }
}

/** A listener takes the client and opens a connection of its own, which has its own way. */
function listenerWays(
  spec: ListenerSpec,
  path: PacketPath,
  base: Pick<ExplainedWay, 'odds' | 'assumptions' | 'steps'>,
  input: WaysInput,
  mostSteps: number,
): ExplainedWay[] {
  const { layout, sockets } = input.state
  const refusal = refusalOf(spec, path.packet)
  if (refusal !== undefined) {
    const way = { ...base, end: refusal.end, endpoint: null, sourceSeen: null, seesClient: false }
    return [{ ...way, steps: [...base.steps, ...refusal.steps], wayBack: wayBack(way, path, input) }]
  }
  const kept = sockets?.kept(spec, path.packet.source)
  const shares = sockets?.shares(spec, kept)
  const shareOf = ({ ip, port }: ListenerTarget): number =>
    shares === undefined ? 1 / spec.endpoints.length : (shares.get(hostPort(ip, port)) ?? 0)
  const usable = spec.endpoints.filter(endpoint => shareOf(endpoint) > 0)
  return usable.flatMap((endpoint, index): ExplainedWay[] => {
    const source = layout.sourceFor(endpoint.ip)
    const share = base.odds * shareOf(endpoint)
    const target = hostPort(endpoint.ip, endpoint.port)
    const isShort = index >= mostSteps
    const before = isShort ? [] : listenerSteps(spec, endpoint, path.packet, source, { kept, count: usable.length })
    if (source === undefined || isShort) {
      // The node has no address of this family, so nothing is known of its own packets.
      const way = {
        ...base,
        odds: share,
        end: 'endpoint' as const,
        endpoint: target,
        sourceSeen: null,
        seesClient: false,
      }
      return [{ ...way, steps: [...base.steps, ...before], wayBack: [] }]
    }
    const own: Packet = {
      ...{ hook: 'OUTPUT', protocol: path.packet.protocol, source },
      ...{ destination: endpoint.ip, port: endpoint.port },
    }
    return walkRules(input.rules, own, input.facts).paths.map(second => {
      const isReached = second.end.kind === 'sent' || second.end.kind === 'delivered'
      const way = {
        odds: share * second.probability,
        assumptions: [...base.assumptions, ...second.assumptions.map(assumptionText)],
        end: isReached ? ('endpoint' as const) : wayEnd(second, input.state),
        endpoint: isReached ? hostPort(second.packet.destination, second.packet.port) : null,
        sourceSeen: isReached ? (second.packet.source ?? null) : null,
        seesClient: false,
        steps: [...base.steps, ...before, ...second.steps.map(step => explainStep(step, input.rules))],
      }
      return { ...way, wayBack: wayBack(way, path, input, source) }
    })
  })
}

/** By `-m recent` in iptables mode, by the persistence of a virtual server in ipvs mode. */
function rememberedEndpoint(paths: readonly PacketPath[], facts: NodeFacts): KeptByAffinity | undefined {
  for (const { steps, packet } of paths)
    for (const step of steps) {
      if (step.kind === 'virtual server' && step.server.kept !== undefined) {
        const { address, port, usedSecondsAgo, endsInSeconds } = step.server.kept
        return { endpoint: hostPort(address, port), usedSecondsAgo, endsInSeconds }
      }
      if (step.kind !== 'rule' || step.isAssumed || step.before.source === undefined) continue
      for (const condition of step.rule.conditions) {
        if (condition.kind !== 'recent' || condition.isNegated || condition.seconds === undefined) continue
        if (condition.action !== 'check' && condition.action !== 'update') continue
        const ago = facts.secondsInList(condition.list, step.before.source)
        if (typeof ago !== 'number') continue
        const [usedSecondsAgo, endsInSeconds] = [Math.floor(ago), Math.ceil(condition.seconds - ago)]
        return { endpoint: hostPort(packet.destination, packet.port), usedSecondsAgo, endsInSeconds }
      }
    }
  return undefined
}

function assumptionText(assumption: Assumption): string {
  const { table, chain, position, unreadable, applies } = assumption
  const rule = `rule ${position} of ${chain} in table ${table}`
  return `It is unknown whether ${rule} applies: only the kernel can answer its "${unreadable}". This way takes it to ${applies ? 'apply' : 'not apply'} (${ruleLine(assumption)}).`
}

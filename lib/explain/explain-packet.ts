import { type ListenerSpec } from '../dataplane/listener-plan.js'
import { familyOf, hostPort } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { answerText } from './answer-text.js'
import { explainService } from './explain-service.js'
import { explainWays } from './explain-ways.js'
import { type ExplainedState, factsOf } from './explained-state.js'
import {
  EXPLANATION_VERSION,
  type ExplainedListener,
  type ExplainedStep,
  type ExplainedWay,
  type Explanation,
} from './explanation.js'
import { type Destination, findDestination } from './find-destination.js'
import { type Sender, findSender } from './find-sender.js'
import { type DestinationText } from './destination-text.js'
import { type LiveSockets } from './live-sockets.js'
import { type SenderText } from './sender-text.js'

/** What to explain. */
export interface ExplainRequest {
  readonly from: SenderText
  readonly to: DestinationText
  /** Of Services without namespace. */
  readonly namespace: string
  /** The version of this program. */
  readonly version: string
  /** The most ways and candidates of the explanation; absent: all. */
  readonly limit?: number
}

/**
 * Finds who sends, and where the packet goes first.
 * @throws ProxyFailure EXPLAIN_INVALID if there is no such sender or destination
 */
export function findEnds(
  { from, to, namespace }: ExplainRequest,
  state: ExplainedState,
): { readonly sender: Sender; readonly destination: Destination } {
  const family = from.address === undefined ? undefined : familyOf(from.address)
  const destination = findDestination(to, family, namespace, state)
  return { destination, sender: findSender(from, destination.address, state) }
}

/**
 * Explains where the first packet of a connection goes, and why.
 * @throws ProxyFailure EXPLAIN_INVALID if there is no such sender or destination
 */
export function explainPacket(request: ExplainRequest, state: ExplainedState): Explanation {
  const { version, limit = Infinity } = request
  const { sender, destination } = findEnds(request, state)
  const family = familyOf(destination.address)
  const rules = state.rules.get(family)
  if (rules === undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', `There are no ${family} rules here`, {
      hint: `Name an address of ${[...state.rules.keys()].join(' or ')}`,
    })
  const packet = {
    hook: sender.hook,
    protocol: destination.protocol,
    source: sender.address,
    destination: destination.address,
    port: destination.port,
    inInterface: sender.inInterface,
  }
  const found = explainWays({ packet, state, facts: factsOf(state), rules, mostWays: limit })
  const { ways, isComplete, listener } = found
  const { common, rest } = splitCommon(ways.slice(0, limit))
  const { known, layout, sockets } = state
  const { frontend } = destination
  const service = frontend && known ? explainService({ frontend, sender, found, state: { ...state, known } }) : null
  const most = Math.max(ways.length, service?.candidates.length ?? 0)
  return {
    apiVersion: EXPLANATION_VERSION,
    version,
    mode: state.mode,
    rules: state.rulesFrom,
    proxy: state.proxy ?? null,
    node: { name: layout.name, addresses: layout.addresses.map(({ ip }) => ip), assumed: layout.assumed },
    from: { kind: sender.kind, address: sender.address, interface: sender.inInterface ?? null, text: sender.text },
    to: {
      address: destination.address,
      port: destination.port,
      protocol: destination.protocol,
      text: destination.text,
    },
    answer: answerText(ways, sender),
    service: service && { ...service, candidates: service.candidates.slice(0, limit) },
    listener: listener === undefined ? null : explainedListener(listener, sockets),
    steps: common,
    ways: rest,
    notes: [
      ...destination.notes,
      ...state.notes,
      ...turnBackNotes(ways, sender, state),
      ...(most > limit ? [`These are the first ${limit} endpoints of ${most}`] : []),
      ...(isComplete ? [] : ['There are too many rules that cannot be read: not every way is shown']),
      ...(destination.protocol === 'UDP'
        ? ['The first datagram of a flow decides; later ones from the same address and port follow it']
        : []),
    ],
  }
}

function explainedListener(listener: ListenerSpec, sockets: LiveSockets | undefined): ExplainedListener {
  const { address, port, protocol } = listener
  return { address, port, protocol, processes: sockets?.processes(listener) ?? [] }
}

/** What a Pod needs that reaches itself, where that is not known. */
function turnBackNotes(
  ways: readonly ExplainedWay[],
  { address, inInterface }: Sender,
  { carriedBy, canTurnBack }: ExplainedState,
): string[] {
  const isItself = ways.some(({ endpoint }) => endpoint?.startsWith(hostPort(address, 0).slice(0, -1)) === true)
  if (!isItself || carriedBy === 'sockets' || inInterface === undefined || canTurnBack(inInterface) !== undefined)
    return []
  return [
    `If ${inInterface} is a bridge, ${address} reaches itself only if its port of the bridge has hairpin mode (ip -d link shows it)`,
  ]
}

/** The steps that all ways begin with. */
function splitCommon(ways: readonly ExplainedWay[]): {
  readonly common: readonly ExplainedStep[]
  readonly rest: readonly ExplainedWay[]
} {
  const [first, ...others] = ways
  let count = 0
  const steps = first?.steps ?? []
  const texts = steps.map(step => JSON.stringify(step))
  while (
    count < steps.length &&
    others.length > 0 &&
    others.every(way => JSON.stringify(way.steps[count]) === texts[count])
  )
    count++
  if (others.length === 0) count = steps.length
  return {
    common: steps.slice(0, count),
    rest: ways.map(way => ({ ...way, steps: way.steps.slice(count) })),
  }
}

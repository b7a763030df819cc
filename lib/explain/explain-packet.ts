import { familyOf, hostPort } from '../model/address.js'
import { ProxyFailure } from '../model/failure.js'
import { answerText } from './answer-text.js'
import { explainService } from './explain-service.js'
import { explainWays } from './explain-ways.js'
import { type ExplainedState, factsOf } from './explained-state.js'
import { EXPLANATION_VERSION, type ExplainedStep, type ExplainedWay, type Explanation } from './explanation.js'
import { findDestination } from './find-destination.js'
import { type Sender, findSender } from './find-sender.js'
import { type DestinationText } from './destination-text.js'
import { type SenderText } from './sender-text.js'

/** What to explain. */
export interface ExplainRequest {
  readonly from: SenderText
  readonly to: DestinationText
  /** Of Services without namespace. */
  readonly namespace: string
  /** The version of this program. */
  readonly version: string
}

/**
 * Explains where the first packet of a connection goes, and why.
 * @throws ProxyFailure EXPLAIN_INVALID if there is no such sender or destination
 */
export function explainPacket({ from, to, namespace, version }: ExplainRequest, state: ExplainedState): Explanation {
  const destination = findDestination(
    to,
    from.address === undefined ? undefined : familyOf(from.address),
    namespace,
    state,
  )
  const sender = findSender(from, destination.address, state)
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
  const { ways, isComplete } = explainWays({ packet, state, facts: factsOf(state), rules })
  const { common, rest } = splitCommon(ways)
  const { known, layout } = state
  const { frontend } = destination
  return {
    apiVersion: EXPLANATION_VERSION,
    version,
    mode: state.mode,
    rules: state.rulesFrom,
    node: { name: layout.name, addresses: layout.addresses.map(({ ip }) => ip), assumed: layout.assumed },
    from: { kind: sender.kind, address: sender.address, interface: sender.inInterface ?? null, text: sender.text },
    to: {
      address: destination.address,
      port: destination.port,
      protocol: destination.protocol,
      text: destination.text,
    },
    answer: answerText(ways, sender),
    service: frontend && known ? explainService(frontend, sender, ways, { ...state, known }) : null,
    steps: common,
    ways: rest,
    notes: [
      ...destination.notes,
      ...state.notes,
      ...turnBackNotes(ways, sender, state),
      ...(isComplete ? [] : ['There are too many rules that cannot be read: not every way is shown']),
      ...(destination.protocol === 'UDP'
        ? ['The first datagram of a flow decides; later ones from the same address and port follow it']
        : []),
    ],
  }
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

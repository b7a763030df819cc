import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { type Predictions, allowedAnswers } from './prediction.js'
import { type ReplayClient, type ReplayNode, senderOf } from './replay-node.js'
import { type ReplayedAddress, type ReplayedService, hasAffinity } from './replayed-services.js'

/** With random picks, one of two endpoints is missed by so many connections once in 16 million cases. */
const MAX_CONNECTIONS = 24
export const ANSWER_MS = 5000 * TIMEOUT_FACTOR
/** Where nothing may answer, a longer wait would find nothing else. */
export const SILENCE_MS = 250
/**
 * Where one endpoint answers and another one does not: after a second, TCP sends again, and the kernel may pick the one that answers. On a
 * loaded machine answers may be later: then all is sent again with more time.
 */
const DOUBT_MS = 150 * TIMEOUT_FACTOR
/** Each question makes the proxy read all rules: it is asked about one of so many packets, of each kind in turn. */
const PACKETS_PER_QUESTION = 11

/** A packet to predict and to send. */
export interface ReplayedPacket {
  readonly service: ReplayedService
  readonly client: ReplayClient
  readonly address: ReplayedAddress
  readonly family: 'IPv4' | 'IPv6'
  readonly protocol: 'tcp' | 'udp'
  /** Counts the packets of the client from 0. */
  readonly index: number
  /** Whether to wait longer for answers before silence counts as a mistake: that may take minutes. */
  readonly isPatient: boolean
}

/** What a comparison found. */
export interface ComparedPrediction {
  /** What is wrong; undefined: the packets went where all predictions say. */
  readonly problem: string | undefined
  readonly ends: readonly string[]
  /** How many predictions were compared: by the rules in the kernel, by planned rules, and by the running proxy. */
  readonly count: number
}

/** Predicts where a packet goes, sends some, and compares. */
export async function comparePrediction(node: ReplayNode, packet: ReplayedPacket): Promise<ComparedPrediction> {
  const { service, client, address, family, protocol, index } = packet
  const host = family === 'IPv6' ? `[${address.ip}]` : address.ip
  const asked = { from: senderOf(client, family), to: `${host}:${address.port}/${protocol}` }
  // A client that has been there may keep its endpoint.
  const keeps = hasAffinity(service)
  const isAsked = keeps ? (protocol === 'tcp') === (family === 'IPv4') : index % PACKETS_PER_QUESTION === 0
  const predictions = await node.predict(asked)
  const described = `${asked.from} to ${address.kind} ${asked.to}`
  if (predictions.error !== undefined) return { problem: `${described}: ${predictions.error}`, ends: [], count: 0 }
  const problem = await findProblem(node, packet, { asked, predictions, keeps, isAsked })
  return {
    problem: problem && `${described}: ${problem}`,
    ends: predictions.kernel.ends,
    count: isAsked ? 3 : 2,
  }
}

interface Question {
  readonly asked: { readonly from: string; readonly to: string }
  readonly predictions: Predictions
  readonly keeps: boolean
  readonly isAsked: boolean
}

async function findProblem(
  { nameOf, liveAnswers }: ReplayNode,
  packet: ReplayedPacket,
  { asked, predictions, keeps, isAsked }: Question,
): Promise<string | undefined> {
  const [kernel, plan] = [predictions.kernel, predictions.plan].map(each => [...allowedAnswers(each, nameOf)].sort())
  const live = isAsked ? await liveAnswers(asked) : kernel!
  if (keeps ? live.some(answer => !kernel!.includes(answer)) : live.join() !== kernel!.join())
    return `by the kernel ${kernel!.join()}, by the proxy ${live.join()}`
  if (kernel!.join() !== plan!.join()) return `by the kernel ${kernel!.join()}, by the plan ${plan!.join()}`
  const isServed = predictions.kernel.reached.length > 0
  const mayVary = isServed && !keeps
  const limitMs = !live.includes('no answer') ? ANSWER_MS : isServed ? DOUBT_MS : SILENCE_MS
  const findMistake = async (limitMs: number, earlier: readonly string[] = []): Promise<Mistake | undefined> => {
    const count = mayVary ? MAX_CONNECTIONS : isServed ? 2 : 1
    const seen = await sendPackets(packet, { limitMs, count, kinds: kernel!.length, earlier })
    const text = compareAnswers(seen, { allowed: live, isEach: mayVary })
    if (text !== undefined) return { text, seen }
    const after = keeps && isAsked && isServed ? await liveAnswers(asked) : seen
    return !keeps || after.join() === seen.join()
      ? undefined
      : { text: `seen ${seen.join()}, and then predicted ${after.join(' | ')}`, seen }
  }
  const mistake = await findMistake(limitMs)
  const isDoubtful = packet.isPatient && limitMs === DOUBT_MS && mistake?.seen.includes('no answer') === true
  return (isDoubtful ? await findMistake(ANSWER_MS, mayVary ? mistake.seen : []) : mistake)?.text
}

interface Mistake {
  readonly text: string
  readonly seen: readonly string[]
}

interface PacketsToSend {
  readonly limitMs: number
  /** The most packets. */
  readonly count: number
  /** How many different answers are enough. */
  readonly kinds: number
  /** Answers that have been seen before. */
  readonly earlier: readonly string[]
}

/** Sends packets one after the other until all kinds of answers have come. @returns one of each kind */
async function sendPackets(
  { client: { network }, address: { ip, port }, protocol }: ReplayedPacket,
  { limitMs, count, kinds, earlier }: PacketsToSend,
): Promise<readonly string[]> {
  const seen = new Set(earlier)
  for (let sent = 0; sent < count && seen.size < kinds; sent++)
    seen.add(await (protocol === 'udp' ? network.udpWithin(ip, port, limitMs) : network.tcpWithin(ip, port, limitMs)))
  return [...seen]
}

interface ExpectedAnswers {
  readonly allowed: readonly string[]
  /** Whether each of them has to come; otherwise one does. */
  readonly isEach: boolean
}

function compareAnswers(seen: readonly string[], { allowed, isEach }: ExpectedAnswers): string | undefined {
  const isRight = isEach ? allowed.every(answer => seen.includes(answer)) : seen.length === 1
  return isRight && seen.every(answer => allowed.includes(answer))
    ? undefined
    : `predicted ${allowed.join(' | ')}, seen ${seen.join(' | ')}`
}

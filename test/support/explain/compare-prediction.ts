import { TIMEOUT_FACTOR } from '../nodes/timeout-factor.js'
import { type Predictions, allowedAnswers } from './prediction.js'
import { type ReplayClient, type ReplayNode, senderOf } from './replay-node.js'
import { type ReplayedAddress, type ReplayedService, hasAffinity } from './replayed-services.js'

/** With random picks, one of two endpoints is missed by so many connections once in 16 million cases. */
const MAX_CONNECTIONS = 24
export const ANSWER_MS = 5000 * TIMEOUT_FACTOR
/** Where nothing may answer, a longer wait would find nothing else. */
export const SILENCE_MS = 250
/** Where one endpoint answers and another one does not: an answer that comes too late is tried again. */
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
  { client, address: { ip, port }, protocol }: ReplayedPacket,
  { asked, predictions, keeps, isAsked }: Question,
): Promise<string | undefined> {
  const [kernel, plan] = [predictions.kernel, predictions.plan].map(each => [...allowedAnswers(each, nameOf)].sort())
  const live = isAsked ? await liveAnswers(asked) : kernel!
  if (keeps ? live.some(answer => !kernel!.includes(answer)) : live.join() !== kernel!.join())
    return `by the kernel ${kernel!.join()}, by the proxy ${live.join()}`
  if (kernel!.join() !== plan!.join()) return `by the kernel ${kernel!.join()}, by the plan ${plan!.join()}`
  const isServed = predictions.kernel.reached.length > 0
  const limitMs = !live.includes('no answer') ? ANSWER_MS : isServed ? DOUBT_MS : SILENCE_MS
  const mayVary = isServed && !keeps
  const seen = new Set<string>()
  for (let n = 0; n < (mayVary ? MAX_CONNECTIONS : isServed ? 2 : 1) && seen.size < kernel!.length; n++)
    seen.add(
      await (protocol === 'udp'
        ? client.network.udpWithin(ip, port, limitMs)
        : client.network.tcpWithin(ip, port, limitMs)),
    )
  const wrong = [...seen].filter(answer => !live.includes(answer))
  const missed = mayVary ? kernel!.filter(answer => !seen.has(answer)) : []
  if (!mayVary && seen.size > 1) wrong.push('different answers')
  if (wrong.length + missed.length > 0) return `predicted ${live.join(' | ')}, seen ${[...seen].join(' | ')}`
  const after = keeps && isAsked && isServed ? await liveAnswers(asked) : [...seen]
  return !keeps || after.join() === [...seen].join()
    ? undefined
    : `seen ${[...seen].join()}, and then predicted ${after.join(' | ')}`
}

import { isLasting } from '../model/failure.js'
import { type HandOverProof } from './hand-over-proof.js'
import { LineConnection } from './line-connection.js'

/**
 * What a process can ask the proxy that serves; `HandOverServer` has the messages. `serve again` is the demand of one that has given way
 * before, and is older than the one that serves: that one agrees only when it is about to end.
 */
export const DEMANDS = ['take over', 'serve again', 'stand by', 'wait'] as const

/** One of `DEMANDS`. */
export type Demand = (typeof DEMANDS)[number]

/**
 * The connection on which the proxy that serves has agreed, or why there is none. `absent`: no process has the name. `refused`: it
 * does not agree. `serves on`: it has shown that it is a proxy, and keeps the node. `unproven`: the process that has the name has
 * not shown that it may write rules. `lost`: it has ended or was too busy, or this process has given up. An error: this process
 * could not show that it may write rules, but may be able to later.
 */
export type Answer = LineConnection | Error | 'absent' | 'refused' | 'serves on' | 'unproven' | 'lost'

/**
 * Asks the proxy that serves this node. Both sides show that they may write rules: without that, any process that takes the name
 * could keep a proxy from serving.
 * @param signal ends the request
 * @throws ProxyFailure if this process can write no rule, now and later
 */
export async function askServer(
  address: string,
  proof: HandOverProof,
  demand: Demand,
  signal: AbortSignal,
): Promise<Answer> {
  // A proxy that stands by may have nothing else to do.
  const connection = LineConnection.to(address, demand === 'stand by')
  const release = connection.destroyWhen(signal)
  let answer: Answer = 'lost'
  try {
    answer = await demandOn(connection, proof, demand)
    return answer
  } finally {
    release()
    if (answer !== connection) connection.destroy()
  }
}

async function demandOn(connection: LineConnection, proof: HandOverProof, demand: Demand): Promise<Answer> {
  const greeting = await connection.nextLine()
  if (greeting === undefined) return (await connection.hasFailed) ? 'absent' : 'lost'
  const nonce = /^show ([0-9a-f]{6})$/.exec(greeting)?.[1]
  if (nonce === undefined) return 'unproven'
  const shown = await proof.show(nonce).catch(toPassingError)
  if (shown instanceof Error) return shown
  const { secret, hide } = shown
  connection.send(demand)
  const reply = await connection.nextLine()
  // What is left is removed by the next proxy that serves.
  await hide().catch(() => undefined)
  if (reply === undefined) return 'lost'
  if (reply === 'refused') return 'refused'
  if (reply === `no ${secret}`) return 'serves on'
  return reply === `yes ${secret}` ? connection : 'unproven'
}

/** @throws the error if it lasts */
function toPassingError(error: unknown): Error {
  if (isLasting(error)) throw error
  return error instanceof Error ? error : new Error(String(error))
}

import { type Clock } from '../model/clock.js'
import { pause } from '../primitives/pause.js'
import { type Answer, askServer } from './ask-server.js'
import { type HandOverProof } from './hand-over-proof.js'
import { LineConnection } from './line-connection.js'

/** How long to ask a process that does not agree, in milliseconds. It need not be a proxy. */
const AGREEMENT_TIMEOUT_MS = 10_000
/** How often, in milliseconds. */
const RETRY_MS = 500

/** How `standBehind` waits. */
export interface StandBehindOptions {
  readonly address: string
  readonly proof: HandOverProof
  /** `wait`: a proxy that has just started. It waits also for one that is about to end, and counts nowhere as standing by. */
  readonly demand: 'stand by' | 'wait'
  /** Called with true when the rules of the other proxy are in the kernel, and then with false when it no longer serves. */
  readonly onServing: (isServing: boolean) => void
  /** Called each time that this process cannot show that it may write rules. It asks again. */
  readonly onFailure: (error: Error) => void
  readonly clock: Clock
  /** Ends the wait. */
  readonly stop: AbortSignal
}

/**
 * Waits while another proxy serves this node. Resolves when none does, when the one that does is about to end, or when `stop` is
 * aborted. A process that has the name and does not show that it may write rules is waited for ten seconds.
 * @throws ProxyFailure if this process can write no rule, now and later
 */
export async function standBehind(options: StandBehindOptions): Promise<void> {
  while (!options.stop.aborted) {
    const connection = await askUntilAgreed(options)
    if (connection === undefined || (await waitForEnd(connection, options))) return
  }
}

/** @returns undefined if no process has the name, if the one that has it does not agree in time, or after `stop` */
async function askUntilAgreed(options: StandBehindOptions): Promise<LineConnection | undefined> {
  const { address, proof, demand, onFailure, clock, stop } = options
  let answer: Answer
  do {
    const timeout = new AbortController()
    const cancel = clock.after(AGREEMENT_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const giveUp = AbortSignal.any([timeout.signal, stop])
    do {
      answer = await askServer(address, proof, demand, giveUp)
      if (typeof answer === 'string' && answer !== 'absent') await pause(clock, RETRY_MS, giveUp)
    } while (typeof answer === 'string' && answer !== 'absent' && !giveUp.aborted)
    cancel()
    if (!(answer instanceof Error)) break
    // This is no silence of the other one, and as long as this process can write no rule, it could not serve either.
    onFailure(answer)
    await pause(clock, RETRY_MS, stop)
  } while (!stop.aborted)
  return answer instanceof LineConnection ? answer : undefined
}

/** @returns whether the other proxy is about to end. If not, it has ended or given way, and another one may serve */
async function waitForEnd(connection: LineConnection, { onServing, stop }: StandBehindOptions): Promise<boolean> {
  const release = connection.destroyWhen(stop)
  let line = await connection.nextLine()
  if (line === 'serving') {
    onServing(true)
    line = await connection.nextLine()
    onServing(false)
  }
  release()
  connection.destroy()
  return line === 'leaving'
}

/** Whether a process has the name of the proxy that serves. */
export async function hasServer(address: string): Promise<boolean> {
  const connection = LineConnection.to(address, true)
  const hasFailed = await connection.hasFailed
  connection.destroy()
  return !hasFailed
}

import { type Clock } from '../model/clock.js'
import { pause } from '../primitives/pause.js'
import { askServer } from './ask-server.js'
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
  /** Called when the rules of the other proxy are in the kernel. */
  readonly onServing: () => void
  readonly clock: Clock
  /** Ends the wait. */
  readonly stop: AbortSignal
}

/**
 * Waits while another proxy serves this node. Resolves when none does, when the one that does is about to end, or when `stop` is
 * aborted. A process that has the name and does not show that it may write rules is waited for ten seconds.
 * @throws ProxyFailure if this process may not write rules
 */
export async function standBehind(options: StandBehindOptions): Promise<void> {
  const { address, proof, demand, clock, stop } = options
  while (!stop.aborted) {
    const timeout = new AbortController()
    const cancel = clock.after(AGREEMENT_TIMEOUT_MS, () => timeout.abort(), { keepsAlive: false })
    const giveUp = AbortSignal.any([timeout.signal, stop])
    let answer
    do {
      answer = await askServer(address, proof, demand, giveUp)
      if (typeof answer === 'string' && answer !== 'absent') await pause(clock, RETRY_MS, giveUp)
    } while (typeof answer === 'string' && answer !== 'absent' && !giveUp.aborted)
    cancel()
    if (typeof answer === 'string' || (await waitForEnd(answer, options))) return
  }
}

/** @returns whether the other proxy is about to end. If not, it has ended or given way, and another one may serve */
async function waitForEnd(connection: LineConnection, { onServing, stop }: StandBehindOptions): Promise<boolean> {
  const release = connection.destroyWhen(stop)
  let line = await connection.nextLine()
  if (line === 'serving') {
    onServing()
    line = await connection.nextLine()
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

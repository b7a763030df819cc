import { type Test } from 'tap'
import { HandOver } from '../../lib/control/hand-over.js'
import { IptablesProof } from '../../lib/control/hand-over-proof.js'
import { Predecessors } from '../../lib/control/predecessors.js'
import { Successor } from '../../lib/control/successor.js'
import { quickClock } from '../support/clock/quick-clock.js'
import { MemoryIptables } from '../support/kernel/memory-iptables.js'
import { RecordingLog } from '../support/log/recording-log.js'

/** One copy of a proxy, as far as a hand-over concerns it. */
export interface Copy {
  readonly handOver: HandOver
  readonly successor: Successor
  readonly predecessors: Predecessors
  readonly log: RecordingLog
  /** What the subscriber was called for, in order. */
  readonly calls: readonly string[]
  /** Aborted when the ports of health checks and metrics can be free. */
  readonly portsFree: AbortSignal
  /** Aborted when the turn of this copy has come. */
  readonly turn: AbortSignal
}

let rigs = 0

/** Copies of a proxy on one node: real sockets with a name of their own, and rules in memory. */
export class HandOverRig {
  readonly address = `\0kpn-test-${process.pid}/${rigs++}`
  readonly iptables = new MemoryIptables('IPv4')
  readonly #t: Test

  constructor(t: Test) {
    this.#t = t
    // In a proxy, other things keep the process alive. The sockets of a hand-over do not.
    const alive = setInterval(() => undefined, 60_000)
    t.teardown(() => clearInterval(alive))
  }

  /** The proof of a process that may write rules. */
  createProof(): IptablesProof {
    return new IptablesProof(this.iptables, quickClock)
  }

  /** The chains of proofs in the kernel. */
  get chains(): readonly string[] {
    return this.iptables.tables.chainNames('mangle').filter(name => name.startsWith('KUBE-HANDOVER-'))
  }

  /** Starts a copy, which asks for its turn at once. */
  start({ isNameTaken = false, isAgain = false, proof = this.createProof(), clock = quickClock } = {}): Copy {
    const log = new RecordingLog()
    const [portsFree, turn] = [new AbortController(), new AbortController()]
    const successor = new Successor(clock)
    const predecessors = new Predecessors(clock)
    const handOver = new HandOver({
      address: this.address,
      proof,
      predecessors,
      successor,
      isAgain,
      isNameTaken,
      onPortsFree: () => portsFree.abort(),
      clock,
      log,
    })
    const calls: string[] = []
    const record = (call: string) => () => {
      calls.push(call)
      return Promise.resolve()
    }
    handOver.subscribe({
      onStaleRules: record('stale rules'),
      onTurn: () => {
        calls.push('turn')
        turn.abort()
      },
      onLate: () => void calls.push('late'),
      onLateHandOver: record('late hand-over'),
    })
    handOver.mayServe()
    this.#t.teardown(() => handOver.close())
    return { handOver, successor, predecessors, log, calls, portsFree: portsFree.signal, turn: turn.signal }
  }
}

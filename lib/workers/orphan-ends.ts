import { setTimeout as pause } from 'node:timers/promises'
import { type Log } from '../model/log.js'
import { SerialQueue } from '../primitives/serial-queue.js'
import { deleteResetConnections } from '../system/delete-reset-connections.js'
import { type ProcessFacts, readStartTime } from '../system/process-facts.js'

/** How often to look whether orphans have exited, in milliseconds. */
const EXIT_POLL_MS = 50

/** What names one process forever. */
export type OrphanName = Pick<ProcessFacts, 'pid' | 'startTime'>

/**
 * Waits for the ends of orphans. One that exits, or is killed, cuts the connections that are open; their clients may connect again, from
 * the same ports. It has no right to let them do that, so this process does it. It does not stay for that.
 */
export class OrphanEnds {
  readonly #deleteEntries: (log: Log) => Promise<void>
  /** Those that have not exited, by pid and start time; no other process can have both. */
  readonly #running = new Map<string, OrphanName>()
  /** Looking for the entries reads all of the kernel's table: once for all that have exited meanwhile, and never twice at a time. */
  readonly #deletions = new SerialQueue()
  #nextDeletion: Promise<void> | undefined
  #hasSeenAny = false
  #isWaiting = false

  /** @param deleteEntries deletes the kernel's entries of the connections that were cut; never rejects */
  constructor(deleteEntries: (log: Log) => Promise<void> = deleteResetConnections) {
    this.#deleteEntries = deleteEntries
  }

  /** From now on, the end of these is noticed. */
  add(orphans: readonly OrphanName[], log: Log): void {
    for (const orphan of orphans) this.#running.set(`${orphan.pid} ${orphan.startTime}`, orphan)
    if (orphans.length === 0) return
    this.#hasSeenAny = true
    if (!this.#isWaiting) void this.#wait(log)
  }

  /**
   * Deletes what is left of orphans that have exited before the rules led elsewhere: until then, their clients were led to them again.
   * Does nothing without any orphan since the last call. Of those that still run, each end is noticed.
   */
  async deleteLeftEntries(log: Log): Promise<void> {
    if (!this.#hasSeenAny) return
    this.#hasSeenAny = false
    await this.#delete(log)
  }

  async #wait(log: Log): Promise<void> {
    this.#isWaiting = true
    while (this.#running.size > 0) {
      await pause(EXIT_POLL_MS, undefined, { ref: false })
      const ended = [...this.#running].filter(([, { pid, startTime }]) => readStartTime(pid) !== startTime)
      for (const [name] of ended) this.#running.delete(name)
      if (ended.length > 0) void this.#delete(log)
    }
    this.#isWaiting = false
  }

  /** Starts a deletion after the one that runs. Who wants one before it has started, shares it. */
  #delete(log: Log): Promise<void> {
    this.#nextDeletion ??= this.#deletions.run(() => {
      this.#nextDeletion = undefined
      return this.#deleteEntries(log)
    })
    return this.#nextDeletion
  }
}

import { type SharedBudgetCounts } from '../data-plane.js'
import { fairShareAllows } from './fair-share.js'

/** What holds bytes of a MemoryPool: a Service, or a socket. */
export interface MemoryHolder {
  heldBytes: number
}

/** The bytes that a process may hold for one purpose. Holders share it as Services share descriptors (fair-share.ts). */
export class MemoryPool {
  readonly limit: number
  #used = 0
  #shed = 0
  #evicted = 0

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit
  }

  /** How many bytes are in use, and how often something was refused or had to make room. */
  counts(): SharedBudgetCounts {
    return { used: this.#used, limit: this.limit, waited: 0, shed: this.#shed, evicted: this.#evicted }
  }

  /** Whether more bytes are in use than the limit times this factor. */
  isOver(factor: number): boolean {
    return this.#used > factor * this.limit
  }

  /** Whether the holder may have so many bytes more. */
  hasRoom(holder: MemoryHolder, bytes: number): boolean {
    return fairShareAllows(holder.heldBytes, this.limit - this.#used - bytes)
  }

  /** Takes bytes, if the holder may have so many more. False: it may not, which counts as refused. */
  tryHold(holder: MemoryHolder, bytes: number): boolean {
    if (this.hasRoom(holder, bytes)) {
      this.change(holder, bytes)
      return true
    }
    this.#shed++
    return false
  }

  /** The holder has so many bytes more, or less. It is too late to refuse them. */
  change(holder: MemoryHolder, bytes: number): void {
    holder.heldBytes += bytes
    this.#used += bytes
  }

  /** Counts something that was refused. */
  countShed(): void {
    this.#shed++
  }

  /** Counts something that had to make room. */
  countEvicted(): void {
    this.#evicted++
  }
}

import { AffinityBudget } from '../../balancer/affinity-budget.js'
import { type MemoryCounts } from '../data-plane.js'
import { MemoryPool } from './memory-pool.js'

/** Part of the memory of the machine, or of the container, that all processes of the data plane may use together. */
const MEMORY_PART = 1 / 4
/** What this is used for, as parts of the above. The rest of it is for what is open: see `mostDescriptors`. */
const HELD_BACK_PART = 1 / 4
const UNANSWERED_PART = 1 / 8
const AFFINITY_PART = 1 / 8
const OPEN_PART = 1 / 2
/**
 * What a descriptor costs at most. Measured: a connection, which has two, 7 KiB in this process; a UDP flow 1.5 to 5 KiB; and the kernel
 * needs some 3 KiB for a socket without data.
 */
const BYTES_PER_DESCRIPTOR = 8 * 1024
/** However little memory there is, so many are allowed. */
const MIN_DESCRIPTORS = 256
/** Measured: 175 to 230 bytes for a client of IPv4; an IPv6 address is longer. */
const BYTES_PER_AFFINITY = 256

/** The memory that one process of the data plane may use. */
export function memoryOfProcess(memoryOfMachine: number, processes: number): number {
  return (memoryOfMachine * MEMORY_PART) / processes
}

/** How many descriptors a process may have, by its memory. */
export function mostDescriptors(memory: number): number {
  return Math.max(MIN_DESCRIPTORS, Math.floor((memory * OPEN_PART) / BYTES_PER_DESCRIPTOR))
}

/**
 * Limits the memory that clients and endpoints can make a process hold, by purpose. At each limit, what is worth least gives way, of the
 * Service that has the most:
 *
 *     descriptors     what is open: fewer descriptors where memory is scarce; DescriptorBudget says who gets them
 *     held back       bytes of connections whose receiver does not take them: the connection ends that has moved none for longest
 *     unanswered      datagrams that a flow would send again if its endpoint turns out to be gone: the new one is not kept
 *     affinity        clients of Services with ClientIP affinity: the client is forgotten that was not seen for longest
 *
 * The rest does not grow with what clients do: a client that waits for a dial is not read from; buffers to read into (read-buffers.ts)
 * and datagrams that the kernel does not take at once (send-queue.ts) have limits of their own.
 */
export class MemoryBudget {
  readonly heldBack: MemoryPool
  readonly unanswered: MemoryPool
  readonly affinity: AffinityBudget

  /** @param memory that this process may use, in bytes */
  constructor(memory: number) {
    this.heldBack = new MemoryPool(memory * HELD_BACK_PART)
    this.unanswered = new MemoryPool(memory * UNANSWERED_PART)
    this.affinity = new AffinityBudget(Math.floor((memory * AFFINITY_PART) / BYTES_PER_AFFINITY))
  }

  /** How much memory is in use for each purpose. */
  counts(): Omit<MemoryCounts, 'sendQueue'> {
    const { used, limit, evicted } = this.affinity
    return {
      heldBack: this.heldBack.counts(),
      unanswered: this.unanswered.counts(),
      affinity: {
        used: used * BYTES_PER_AFFINITY,
        limit: limit * BYTES_PER_AFFINITY,
        waited: 0,
        shed: 0,
        evicted,
      },
    }
  }
}

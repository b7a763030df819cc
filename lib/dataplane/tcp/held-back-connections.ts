import { Counted, CountRanking } from '../../primitives/count-ranking.js'
import { type ClientHolding, type Held, HeldByClient } from '../limits/held-by-client.js'
import { type MemoryHolder, type MemoryPool } from '../limits/memory-pool.js'

/** Memory of the kernel's TCP in this machine, in bytes. */
export interface TcpMemory {
  readonly used: number
  /** Above this, the kernel gives less to every socket (the second number of net.ipv4.tcp_mem). */
  readonly pressure: number
}

/** What a connection that is held back takes of it, in the sockets of this proxy. Measured: 2 to 4 MiB for senders in a hurry. */
const KERNEL_BYTES = 2 * 1024 * 1024
/** If those of this proxy have less than this part, others are to blame, and it would not help to end some. */
const MIN_PART = 1 / 4
/** The part that ends before the memory is looked at again. */
const ENDED_PART = 1 / 8

/**
 * How many connections that are held back should end because the kernel's TCP is short of memory.
 * @param heldBack how many this process has
 * @param processes of this proxy that have some
 */
export function heldBackToEndForKernel(heldBack: number, processes: number, memory: TcpMemory | undefined): number {
  if (memory === undefined || memory.used <= memory.pressure) return 0
  if (heldBack * processes * KERNEL_BYTES < MIN_PART * memory.pressure) return 0
  return Math.ceil(heldBack * ENDED_PART)
}

/** How long a connection must have moved no byte before it ends to free memory of the kernel, in milliseconds; also here if that is enough. */
const MIN_QUIET_MS = 5000
/** Memory that is over the limit by so much is freed at the cost of connections that move bytes, too. */
const FAR_OVER = 1.25
/** The most connections that one sweep ends for the kernel, whose memory is only known again at the next one. */
const MAX_ENDED_FOR_KERNEL = 64
/** How many Services are asked for a connection that is quiet, those with the most first. */
const MAX_ASKED = 8
/** How many clients of each of them, those with the most first: one whose connections all move bytes must not protect the others. */
const MAX_CLIENTS = 32
/** How many connections whose sender is gone are looked at for a quiet one. */
const MAX_LOOKS = 32

/** A connection whose receiver may not take its bytes; a TcpConnection is one. */
export interface HeldBackConnection {
  /** What identifies its Service. */
  readonly service: object
  readonly client: string
  /** Aborts the connection: both sides get a reset. */
  reset(): void
}

/** What a sweep has found of a connection. */
export interface HeldBackState {
  readonly heldBytes: number
  /** Since the last byte moved, in milliseconds. */
  readonly quietMs: number
  /** Whether the sender of the bytes is gone. */
  readonly isSenderGone: boolean
}

/** A connection that holds bytes, as its Service and its client have it. */
class Entry implements Held, MemoryHolder {
  heldBytes = 0
  quietMs = 0
  holding: ClientHolding | undefined
  older: Held | undefined
  newer: Held | undefined
  readonly connection: HeldBackConnection
  readonly entries: ServiceEntries

  constructor(connection: HeldBackConnection, entries: ServiceEntries) {
    this.connection = connection
    this.entries = entries
  }
}

class ServiceEntries extends Counted {
  readonly byClient = new HeldByClient<Entry>()
}

/**
 * The connections that hold bytes in this process, because a receiver does not take them: 64 KiB to 2 MiB each way. In the kernel each of
 * them holds far more: 4 MiB was measured for one with a sender in a hurry, so 500 of them take all memory that Linux has for TCP on a
 * machine with 24 GiB, and then every program of the node is slow or loses connections.
 *
 * When memory is short, connections end: of the Service that has the most of them, of its client with the most, the one that has moved no
 * byte for the longest time. Where that one is not quiet, the next client or Service gives one. They are found by the sweep of UnpolledConnections, so a connection costs nothing here until then.
 *
 * A quiet one whose sender is gone ends before all others, also when descriptors are short: its receiver has no answer to wait for.
 */
export class HeldBackConnections {
  readonly #pool: MemoryPool
  readonly #entries = new Map<HeldBackConnection, Entry>()
  readonly #byService = new Map<object, ServiceEntries>()
  readonly #ranking = new CountRanking<ServiceEntries>()
  /** Those whose sender is gone, in the order in which that was found. */
  readonly #withoutSender = new Set<Entry>()

  /** @param pool the memory for them */
  constructor(pool: MemoryPool) {
    this.#pool = pool
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size
  }

  /** Notes what a sweep has found of a connection. */
  note(connection: HeldBackConnection, { heldBytes, quietMs, isSenderGone }: HeldBackState): void {
    if (heldBytes === 0) return this.delete(connection)
    let entry = this.#entries.get(connection)
    if (entry === undefined) entry = this.#add(connection)
    else if (quietMs === 0) entry.entries.byClient.touch(entry)
    entry.quietMs = quietMs
    if (isSenderGone) this.#withoutSender.add(entry)
    this.#pool.change(entry, heldBytes - entry.heldBytes)
  }

  /** The connection has ended, or holds nothing. */
  delete(connection: HeldBackConnection): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    const { entries } = entry
    this.#entries.delete(connection)
    this.#withoutSender.delete(entry)
    entries.byClient.remove(entry)
    this.#ranking.decrement(entries)
    if (entries.count === 0) this.#byService.delete(connection.service)
    this.#pool.change(entry, -entry.heldBytes)
  }

  /**
   * Ends connections until they no longer have too much memory here, however many it takes: what one frees is known at once.
   * @param forKernel how many may end because the kernel is short of memory, although this process is not
   */
  sweep(forKernel: number): void {
    const leastEnded = Math.min(forKernel, MAX_ENDED_FOR_KERNEL)
    for (let ended = 0; ended < leastEnded || this.#pool.isOver(1); ended++)
      if (!this.#endOne(this.#pool.isOver(FAR_OVER))) return
  }

  /** Ends a quiet connection whose sender is gone, of any Service, because descriptors are short. @returns whether there was one */
  endWithoutSender(): boolean {
    return this.#end(this.#findWithoutSender())
  }

  /** Ends the quietest connection of one client of a Service, if it is quiet, because descriptors are short. */
  endQuiet(service: object, client: string): boolean {
    const oldest = this.#byService.get(service)?.byClient.oldestOf(client)
    return this.#end(oldest !== undefined && oldest.quietMs >= MIN_QUIET_MS ? oldest : undefined)
  }

  #add(connection: HeldBackConnection): Entry {
    const { service } = connection
    let entries = this.#byService.get(service)
    if (entries === undefined) this.#byService.set(service, (entries = new ServiceEntries()))
    const entry = new Entry(connection, entries)
    this.#entries.set(connection, entry)
    entries.byClient.add(entry, connection.client)
    this.#ranking.increment(entries)
    return entry
  }

  #endOne(evenIfUsed: boolean): boolean {
    const quiet = this.#findWithoutSender() ?? this.#findQuiet()
    const hasEnded = this.#end(quiet ?? (evenIfUsed ? this.#ranking.first?.byClient.firstToEnd : undefined))
    if (hasEnded) this.#pool.countEvicted()
    return hasEnded
  }

  #end(entry: Entry | undefined): boolean {
    if (entry === undefined) return false
    const { connection } = entry
    // At once: the sockets may close later.
    this.delete(connection)
    connection.reset()
    return true
  }

  #findWithoutSender(): Entry | undefined {
    let looks = 0
    for (const entry of this.#withoutSender) {
      if (entry.quietMs >= MIN_QUIET_MS) return entry
      if (++looks === MAX_LOOKS) break
    }
    return undefined
  }

  #findQuiet(): Entry | undefined {
    for (const { byClient } of this.#ranking.top(MAX_ASKED))
      for (const { client } of byClient.greediestClients(MAX_CLIENTS)) {
        const oldest = byClient.oldestOf(client)!
        if (oldest.quietMs >= MIN_QUIET_MS) return oldest
      }
    return undefined
  }
}

import { type DialQueue } from '../limits/dial-budget.js'
import { type PendingDial } from '../limits/dial-burst.js'
import { mayTake } from '../limits/fair-share.js'
import { type Held, HeldByClient } from '../limits/held-by-client.js'
import { DescriptorShare, type DescriptorUser, type GivenUp } from '../limits/service-shares.js'
import { type HeldBackConnections } from './held-back-connections.js'

/** How long a connection must have been idle before it may end to make room, in milliseconds. */
const MIN_IDLE_MS = 5000
/** How many clients are asked to give up a connection, those with the most first. */
const MAX_CLIENTS = 4
/** How many connections of a client are looked at for an idle one, before a client is served. */
const MAX_LOOKS = 32
/** How many of them a sweep looks at. */
const MAX_LOOKS_OF_SWEEP = 5000

/** An open connection as its Service sees it; a TcpConnection is one. */
export interface OpenConnection extends Held {
  readonly bytesToEndpoint: number
  readonly bytesToClient: number
  /** What ServiceConnections has seen last: how many bytes, and when that number was new. */
  seenBytes: number
  seenAt: number
  /** Aborts the connection: both sides get a reset. */
  reset(): void
}

/**
 * The open connections of one Service, to all its listeners, by client. When another Service, or another client of this one,
 * lacks a descriptor, the connection ends that was idle longest, of the client with the most. One that was used in the last
 * seconds never ends. One whose receiver does not take its bytes ends before those. Another Service gets the place of a client that
 * waits first.
 *
 * To note each byte would cost every connection. So the connections of a client are in the order in which they were last looked
 * at: one that has moved bytes since then goes to the end.
 */
export class ServiceConnections implements DescriptorUser {
  readonly descriptors = new DescriptorShare(this)
  readonly #open = new HeldByClient<OpenConnection>()
  readonly #queues = new Set<DialQueue>()
  readonly #heldBack: Pick<HeldBackConnections, 'endQuiet'>

  /** @param heldBack those of all Services */
  constructor(heldBack: Pick<HeldBackConnections, 'endQuiet'>) {
    this.#heldBack = heldBack
  }

  /** Adds the queue of a listener of the Service. */
  addQueue(queue: DialQueue): void {
    this.#queues.add(queue)
  }

  /** The listener closes: the clients that wait in its queue keep their places. */
  removeQueue(queue: DialQueue): void {
    this.#queues.delete(queue)
  }

  /** Adds a connection that has just opened. @param now milliseconds of the data plane's clock */
  add(connection: OpenConnection, client: string, now: number): void {
    connection.seenAt = now
    this.#open.add(connection, client)
  }

  /** The connection has ended. */
  remove(connection: OpenConnection): void {
    this.#open.remove(connection)
  }

  giveUpOne(now: number): GivenUp | undefined {
    const dial = this.#oldestWaiting
    dial?.giveUpPlace()
    if (dial !== undefined) return 'place'
    return this.#open.greediestClients(MAX_CLIENTS).some(({ client }) => this.#endOne(client, now)) ? 'open' : undefined
  }

  giveUpOneFor(client: string, now: number): GivenUp | undefined {
    const count = this.#open.countOf(client)
    const others = this.#open.greediestClients(MAX_CLIENTS).filter(other => mayTake(count, other.count))
    return others.some(other => this.#endOne(other.client, now)) ? 'open' : undefined
  }

  noteIdle(now: number): void {
    for (const { client } of this.#open.greediestClients(MAX_CLIENTS)) this.#noteUsed(client, now, MAX_LOOKS_OF_SWEEP)
  }

  get #oldestWaiting(): PendingDial | undefined {
    for (const { waiting } of this.#queues) for (const dial of waiting.keys()) return dial
    return undefined
  }

  #endOne(client: string, now: number): boolean {
    return this.#heldBack.endQuiet(this.descriptors, client) || this.#endIdle(client, now)
  }

  #endIdle(client: string, now: number): boolean {
    const oldest = this.#noteUsed(client, now, MAX_LOOKS)
    if (oldest === undefined || now - oldest.seenAt < MIN_IDLE_MS) return false
    // At once: the sockets may close later.
    this.#open.remove(oldest)
    oldest.reset()
    return true
  }

  /** Moves connections that were used to the end. @returns the one that was idle longest, if one was found */
  #noteUsed(client: string, now: number, maxLooks: number): OpenConnection | undefined {
    for (let looks = 0; looks < maxLooks; looks++) {
      const oldest = this.#open.oldestOf(client)
      if (oldest === undefined) return undefined
      const bytes = oldest.bytesToEndpoint + oldest.bytesToClient
      if (bytes === oldest.seenBytes) return oldest
      oldest.seenBytes = bytes
      oldest.seenAt = now
      this.#open.touch(oldest)
    }
    return undefined
  }
}

import { MemoryPool } from '../limits/memory-pool.js'

/** The most bytes that wait in this process for all sockets together, and for one socket. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_BYTES_OF_SOCKET = 256 * 1024
/** What a datagram costs besides its bytes. */
const OVERHEAD = 512

/** A socket with datagrams that the kernel does not take at once. */
export interface QueuedSocket {
  heldBytes: number
}

/**
 * Limits the datagrams that wait until the kernel takes them. It takes none while a socket's buffer is full: on a slow link, or while
 * several neighbours do not answer ARP. Node.js queues them without a limit. A kernel drops a datagram that finds a buffer full, and so does
 * this: a longer queue would make the datagrams of all clients of the socket late, and most of them useless.
 */
export class SendQueue {
  readonly pool = new MemoryPool(MAX_BYTES)

  /** Whether one more datagram may wait for a socket that has some already. False: it is dropped, and counts as such. */
  hasRoom(socket: QueuedSocket, datagram: Buffer): boolean {
    if (socket.heldBytes < MAX_BYTES_OF_SOCKET && this.pool.hasRoom(socket, costOf(datagram))) return true
    this.pool.countShed()
    return false
  }

  /** A datagram waits. */
  add(socket: QueuedSocket, datagram: Buffer): void {
    this.pool.change(socket, costOf(datagram))
  }

  /** So many datagrams with so many bytes wait. */
  set(socket: QueuedSocket, datagrams: number, bytes: number): void {
    this.pool.change(socket, bytes + datagrams * OVERHEAD - socket.heldBytes)
  }

  /** It waits no longer. */
  remove(socket: QueuedSocket, datagram: Buffer): void {
    this.pool.change(socket, -costOf(datagram))
  }
}

function costOf({ length }: Buffer): number {
  return length + OVERHEAD
}

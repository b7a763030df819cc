/** So many bytes do not wait for the end of the turn: thousands of sockets may have datagrams in one turn. */
const MAX_BYTES = 1024 * 1024

/**
 * Sends the datagrams that come in one turn of the event loop together, at the end of the turn, in the order of their arrival.
 *
 * Node.js reads up to 32 datagrams from a socket in one go. If each was sent at once, the Pod's process would go to sleep and be
 * woken again for each of them. Together they cost a tenth less CPU.
 */
export class SendBurst {
  #senders: ((datagram: Buffer) => void)[] = []
  /** The datagram of each sender: two lists in step, so that a datagram makes no object. */
  #datagrams: Buffer[] = []
  #bytes = 0

  /** Sends a datagram at the end of this turn, or at the next flush. */
  add(send: (datagram: Buffer) => void, datagram: Buffer): void {
    this.#datagrams.push(datagram)
    this.#bytes += datagram.length
    if (this.#senders.push(send) === 1) setImmediate(this.#flushAtTurnEnd)
    else if (this.#bytes > MAX_BYTES) this.flush()
  }

  /** Sends all datagrams that wait. To be called before a socket closes. */
  flush(): void {
    const senders = this.#senders
    const datagrams = this.#datagrams
    this.#senders = []
    this.#datagrams = []
    this.#bytes = 0
    for (let index = 0; index < senders.length; index++) senders[index]!(datagrams[index]!)
  }

  readonly #flushAtTurnEnd = (): void => this.flush()
}

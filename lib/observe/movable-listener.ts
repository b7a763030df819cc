import { type ProxyFailure } from '../model/failure.js'
import { type HttpListener, type ListenerPlace } from './http-listener.js'

/** An HTTP server whose address can change while it serves. Its caller waits for one change before the next. */
export class MovableListener {
  readonly #start: (place: ListenerPlace) => HttpListener
  #address: string
  #current: HttpListener
  /** Replaces the current one when its port is bound. */
  #next: { readonly listener: HttpListener; readonly address: string } | undefined
  /** Resolves when the listener that was replaced last has closed. */
  #replaced: Promise<void> = Promise.resolve()
  #isClosed = false

  /**
   * Starts it.
   * @param start creates a listener at a place
   */
  constructor(address: string, start: (place: ListenerPlace) => HttpListener) {
    this.#start = start
    this.#address = address
    this.#current = start({ address })
  }

  /** The address that it serves on, or waits for if no port is bound; empty: none. */
  get address(): string {
    return this.#address
  }

  /** The address that it moves to when the port is free; if it does not move, its own. */
  get wantedAddress(): string {
    return this.#next?.address ?? this.#address
  }

  /** The listener on `address`. */
  get current(): HttpListener {
    return this.#current
  }

  /** Whether its port is bound. */
  get isBound(): boolean {
    return !this.#isClosed && this.#current.boundAddress !== undefined
  }

  /**
   * Moves to another address, which does not overlap its own. The old port stays open until the new one is bound, however long another
   * program has that. Resolves after the first attempt.
   */
  async moveTo(address: string): Promise<void> {
    if (!this.isBound || address === '') {
      await this.leave()
      return this.serveAt(address)
    }
    const onBound = (): void => this.#replaceBy(listener, address)
    const listener = this.#start({ address, servingOn: this.#address, onBound })
    this.#next = { listener, address }
    await listener.firstBind
    await this.#replaced
  }

  /** Stays where it is, if the port of a move is not bound yet. */
  async cancelMove(): Promise<void> {
    const next = this.#next
    this.#next = undefined
    await next?.listener.close()
  }

  /** Closes the port, so that an address that overlaps can be bound. */
  async leave(): Promise<void> {
    await this.cancelMove()
    await this.#current.close()
  }

  /** After `leave`: serves at an address, when its port is free. */
  serveAt(address: string): void {
    this.#serve({ address })
  }

  /** After `leave`: serves at an address if its port is free now. */
  async tryAt(address: string): Promise<ProxyFailure | undefined> {
    this.#serve({ address, triesOnce: true })
    return this.#isClosed ? undefined : this.#current.firstBind
  }

  /** Closes it forever, even during a move. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.leave(), this.#replaced])
  }

  #serve(place: ListenerPlace): void {
    // A proxy that has given way, perhaps a moment ago, must not take the ports of its successor.
    if (this.#isClosed) return
    this.#address = place.address
    this.#current = this.#start(place)
  }

  #replaceBy(listener: HttpListener, address: string): void {
    this.#replaced = this.#current.close()
    this.#current = listener
    this.#address = address
    this.#next = undefined
  }
}

import { type DescriptorBudget } from './limits/descriptor-budget.js'
import { type ListenerSpec, shouldListen } from './listener-plan.js'

/**
 * A port that is open only while there is an endpoint to send clients to.
 *
 * Without endpoints the socket is closed, and the kernel refuses clients itself: TCP with a reset, UDP with ICMP port
 * unreachable, just as for a Pod without a server. Conntrack translates that answer back, so that it seems to come from the
 * Service. The rule stays, so neither the first nor the last endpoint causes a write of rules.
 */
export class OnDemandListener {
  readonly #descriptors: DescriptorBudget
  readonly #openSocket: (port: number) => Promise<number>
  readonly #closeSocket: () => void
  #port: number | undefined
  #isListening = false
  /** Whether the socket counts as a listener for its descriptor. */
  #isCounted = false
  #desired = false
  #reconciling: Promise<void> | undefined

  /**
   * @param openSocket opens the socket on a port, 0 being any free one; resolves with the port
   * @param closeSocket closes the socket at once
   */
  constructor(descriptors: DescriptorBudget, openSocket: (port: number) => Promise<number>, closeSocket: () => void) {
    this.#descriptors = descriptors
    this.#openSocket = openSocket
    this.#closeSocket = closeSocket
  }

  /** Whether the socket is open. */
  get isListening(): boolean {
    return this.#isListening
  }

  /**
   * Makes sure that the port is free, and keeps the socket open if the listener has to listen. Resolves with the port.
   * @param isReserved another process holds the port for this one already
   */
  async open(spec: ListenerSpec, isReserved: boolean): Promise<number> {
    this.#desired = shouldListen(spec)
    if (isReserved && !this.#desired) return (this.#port = spec.port)
    const port = await this.#startListening(spec.port)
    this.#port = port
    if (!this.#desired) this.#stopListening()
    return port
  }

  /**
   * Opens or closes the socket as the new spec needs. Returns undefined when that is done; otherwise a promise, which rejects
   * with the system's error when another process took the port meanwhile.
   */
  update(spec: ListenerSpec): Promise<void> | undefined {
    this.#desired = shouldListen(spec)
    if (this.#port === undefined) return undefined
    if (this.#reconciling === undefined) {
      if (this.#isListening && !this.#desired) this.#stopListening()
      if (this.#isReconciled) return undefined
      this.#reconciling = this.#reconcile(this.#port)
    }
    return this.#reconciling
  }

  /** Closes the socket for good. */
  close(): void {
    this.#desired = false
    if (this.#isListening) this.#stopListening()
  }

  get #isReconciled(): boolean {
    return this.#desired === this.#isListening
  }

  /** Opens the socket; closes it again if the desired state has changed meanwhile. */
  async #reconcile(port: number): Promise<void> {
    try {
      while (!this.#isReconciled) {
        await this.#startListening(port)
        if (!this.#desired) this.#stopListening()
      }
    } finally {
      this.#reconciling = undefined
    }
  }

  async #startListening(port: number): Promise<number> {
    // A socket that only tests whether the port is free closes at once.
    this.#isCounted = this.#desired
    if (this.#isCounted) this.#descriptors.addListener()
    try {
      const opened = await this.#openSocket(port)
      this.#isListening = true
      return opened
    } finally {
      if (!this.#isListening) this.#discount()
    }
  }

  #stopListening(): void {
    this.#isListening = false
    this.#closeSocket()
    this.#discount()
  }

  #discount(): void {
    if (this.#isCounted) this.#descriptors.removeListener()
    this.#isCounted = false
  }
}

/**
 * A port that is listened on only while there is an endpoint to hand clients to.
 *
 * Without one the socket is closed, and the kernel itself refuses: TCP with a reset, UDP with ICMP port unreachable, just as
 * it would for a Pod on which nobody listens; conntrack turns the answer back so that it seems to come from the Service.
 * The rule stays, so that neither the end of the last endpoint nor the coming of the first needs a write of rules.
 */
export class OnDemandListener {
  readonly #openSocket: (port: number) => Promise<number>
  readonly #closeSocket: () => void
  #port: number | undefined
  #isListening = false
  #desired = false
  #reconciling: Promise<void> | undefined

  /**
   * @param listen opens the socket on a port, 0 being any; resolves with the port it holds
   * @param shut closes the socket, at once
   */
  constructor(listen: (port: number) => Promise<number>, shut: () => void) {
    this.#openSocket = listen
    this.#closeSocket = shut
  }

  /**
   * Finds out that the port can be had, and goes on listening there if that is wanted. Resolves with the port.
   * @param isSure somebody else has found out already, and keeps it for us
   */
  async open(port: number, wanted: boolean, isSure = false): Promise<number> {
    this.#desired = wanted
    if (isSure && !wanted) return (this.#port = port)
    const held = await this.#openSocket(port)
    this.#isListening = true
    this.#port = held
    if (!this.#desired) this.#stopListening()
    return held
  }

  /**
   * Takes whether it shall be listened on from now on. Resolves when it is so; rejects with the system's error when
   * somebody else took the port meanwhile. Undefined: it is so already, or was done at once.
   */
  setDesired(wanted: boolean): Promise<void> | undefined {
    this.#desired = wanted
    if (this.#port === undefined) return undefined
    if (this.#reconciling === undefined) {
      if (this.#isListening && !wanted) this.#stopListening()
      if (this.#isReconciled) return undefined
      this.#reconciling = this.#reconcile()
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

  /** Opens the socket, and closes it again when that is what is wanted by then. */
  async #reconcile(): Promise<void> {
    try {
      while (!this.#isReconciled) {
        await this.#openSocket(this.#port!)
        this.#isListening = true
        if (!this.#desired) this.#stopListening()
      }
    } finally {
      this.#reconciling = undefined
    }
  }

  #stopListening(): void {
    this.#isListening = false
    this.#closeSocket()
  }
}

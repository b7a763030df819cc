/**
 * A port that is listened on only while there is an endpoint to hand clients to.
 *
 * Without one the socket is closed, and the kernel itself refuses: TCP with a reset, UDP with ICMP port unreachable, just as
 * it would for a Pod on which nobody listens; conntrack turns the answer back so that it seems to come from the Service.
 * The rule stays, so that neither the end of the last endpoint nor the coming of the first needs a write of rules.
 */
export class HeldPort {
  readonly #listen: (port: number) => Promise<number>
  readonly #shut: () => void
  #port: number | undefined
  #listening = false
  #wanted = false
  #following: Promise<void> | undefined

  /**
   * @param listen opens the socket on a port, 0 being any; resolves with the port it holds
   * @param shut closes the socket, at once
   */
  constructor(listen: (port: number) => Promise<number>, shut: () => void) {
    this.#listen = listen
    this.#shut = shut
  }

  /**
   * Finds out that the port can be had, and goes on listening there if that is wanted. Resolves with the port.
   * @param isSure somebody else has found out already, and keeps it for us
   */
  async open(port: number, wanted: boolean, isSure = false): Promise<number> {
    this.#wanted = wanted
    if (isSure && !wanted) return (this.#port = port)
    const held = await this.#listen(port)
    this.#listening = true
    this.#port = held
    if (!this.#wanted) this.#stop()
    return held
  }

  /**
   * Takes whether it shall be listened on from now on. Resolves when it is so; rejects with the system's error when
   * somebody else took the port meanwhile. Undefined: it is so already, or was done at once.
   */
  want(wanted: boolean): Promise<void> | undefined {
    this.#wanted = wanted
    if (this.#port === undefined) return undefined
    if (this.#following === undefined) {
      if (this.#listening && !wanted) this.#stop()
      if (this.#isRight) return undefined
      this.#following = this.#follow()
    }
    return this.#following
  }

  /** Closes the socket for good. */
  close(): void {
    this.#wanted = false
    if (this.#listening) this.#stop()
  }

  get #isRight(): boolean {
    return this.#wanted === this.#listening
  }

  /** Opens the socket, and closes it again when that is what is wanted by then. */
  async #follow(): Promise<void> {
    try {
      while (!this.#isRight) {
        await this.#listen(this.#port!)
        this.#listening = true
        if (!this.#wanted) this.#stop()
      }
    } finally {
      this.#following = undefined
    }
  }

  #stop(): void {
    this.#listening = false
    this.#shut()
  }
}

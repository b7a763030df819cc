/** Milliseconds without output after which a person wants to know that the command still works. */
const DELAY_MS = 2000

/** The notice on a terminal during a wait, on a line of its own that the next output replaces. */
export class WaitNotice {
  readonly #write: (text: string) => void
  readonly #text: string
  readonly #delayMs: number
  #timer: NodeJS.Timeout | undefined
  #since = 0
  #isShown = false

  /** @param text what the notice says; it also shows the seconds @param delayMs time without output before it, in milliseconds */
  constructor(write: (text: string) => void, text: string, delayMs = DELAY_MS) {
    this.#write = write
    this.#text = text
    this.#delayMs = delayMs
  }

  /** Begins a wait. After some time without output the notice appears. */
  begin(): void {
    this.end()
    this.#since = performance.now()
    this.#timer = setInterval(() => this.#show(), this.#delayMs).unref()
  }

  /** Ends the wait. */
  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#isShown) this.#write('\r\x1b[K')
    this.#isShown = false
  }

  /** Writes other output. A wait goes on after it. */
  write(text: string): void {
    const isWaiting = this.#timer !== undefined
    this.end()
    this.#write(text)
    if (isWaiting) this.begin()
  }

  #show(): void {
    this.#isShown = true
    this.#write(`\r\x1b[K${this.#text} ${((performance.now() - this.#since) / 1000).toFixed(0)} s`)
  }
}

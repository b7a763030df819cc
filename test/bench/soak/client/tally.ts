/** How the work of one kind went so far. */
export interface Tally {
  /** What was done as it should be. */
  done: number
  /** Of UDP: datagrams that were sent once more, since nobody had answered. */
  again: number
  /** By what went wrong. */
  readonly errors: Record<string, number>
  /** Whether errors are to be expected: then they are no failures. */
  readonly mayFail: boolean
}

export const TALLIED = {
  kept: 'TCP requests over kept connections',
  short: 'TCP connections of one request',
  stream: 'TCP streams, pieces of 64 KiB',
  lookup: 'UDP requests from new ports',
  steady: 'UDP requests from ports that stay',
  sticky: 'TCP connections to a Service with affinity',
  passing: 'requests to Services that come and go',
  outliving: 'connections that outlived their Service',
  hollow: 'requests to Services that lose all endpoints',
  refused: 'refusals while there was no endpoint',
  doubtful: 'TCP connections to endpoints that may be dead',
} as const

export type Tallied = keyof typeof TALLIED
export type Tallies = Readonly<Record<Tallied, Tally>>

/** An error that went into the books, with the time. */
export interface NotedError {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly of: Tallied
  readonly error: string
}

/** More are counted, but not told one by one. */
const MOST_NOTED = 100

/** Counts what the client does, and what went wrong. */
export class TallyBook {
  readonly tallies: Tallies = Object.fromEntries(
    Object.keys(TALLIED).map(name => [name, { done: 0, again: 0, errors: {}, mayFail: name === 'doubtful' }]),
  ) as unknown as Tallies
  readonly noted: NotedError[] = []

  /** Does work of this kind and counts how it ended. @returns whether it ended well */
  async count(of: Tallied, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.tallies[of].done++
      return true
    } catch (error) {
      this.failed(of, error as NodeJS.ErrnoException)
      return false
    }
  }

  failed(of: Tallied, { code, message }: NodeJS.ErrnoException): void {
    const { errors, mayFail } = this.tallies[of]
    // A code says the same for all addresses and ports.
    const what = code ?? message
    errors[what] = (errors[what] ?? 0) + 1
    if (!mayFail && this.noted.length < MOST_NOTED) this.noted.push({ at: Date.now(), of, error: message })
  }
}

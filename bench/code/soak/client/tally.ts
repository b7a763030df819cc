/** The results of one kind of load so far. */
export interface Tally {
  /** The number of successes. */
  done: number
  /** UDP: datagrams that were sent again because no answer came. */
  retries: number
  /** The number of errors by error code or message. */
  readonly errors: Record<string, number>
  /** Whether errors are expected and therefore no failures. */
  readonly expectsErrors: boolean
}

export const LOAD_KINDS = {
  persistent: 'TCP requests over persistent connections',
  short: 'TCP connections with one request',
  stream: 'TCP streams, pieces of 64 KiB',
  lookup: 'UDP requests from new ports',
  'fixed-port': 'UDP requests from fixed ports',
  affinity: 'TCP connections to a Service with affinity',
  temporary: 'requests to temporary Services',
  'connections-of-removed': 'connections that outlived their Service',
  emptied: 'requests to Services that lose all endpoints',
  refused: 'refused connections without endpoints',
  failing: 'TCP connections to endpoints that may be dead',
} as const

export type LoadKind = keyof typeof LOAD_KINDS
export type Tallies = Readonly<Record<LoadKind, Tally>>

/** One recorded error with its time. */
export interface RecordedError {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly kind: LoadKind
  readonly error: string
}

/** Further errors are counted, but not recorded one by one. */
const MAX_RECORDED_ERRORS = 100

/** Counts the successes and errors of the client. */
export class TallyRecorder {
  readonly tallies: Tallies = Object.fromEntries(
    Object.keys(LOAD_KINDS).map(name => [name, { done: 0, retries: 0, errors: {}, expectsErrors: name === 'failing' }]),
  ) as unknown as Tallies
  readonly recordedErrors: RecordedError[] = []

  /** Does work of this kind and counts the result. @returns whether it succeeded */
  async count(of: LoadKind, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.tallies[of].done++
      return true
    } catch (error) {
      this.recordFailure(of, error as NodeJS.ErrnoException)
      return false
    }
  }

  recordFailure(of: LoadKind, { code, message }: NodeJS.ErrnoException): void {
    const { errors, expectsErrors } = this.tallies[of]
    // A code is the same for all addresses and ports; a message is not.
    const what = code ?? message
    errors[what] = (errors[what] ?? 0) + 1
    if (!expectsErrors && this.recordedErrors.length < MAX_RECORDED_ERRORS)
      this.recordedErrors.push({ at: Date.now(), kind: of, error: message })
  }
}

import { Backoff } from './backoff.js'

/** The first wait before a file is parsed again, and the longest one, in milliseconds. A parser that fails may have run for minutes. */
const FIRST_RETRY_MS = 2000
const MAX_RETRY_MS = 15 * 60_000

interface Retry {
  readonly backoff: Backoff
  /** When to parse again, in milliseconds of the caller's clock; undefined while the parser works on it. */
  dueAt: number | undefined
}

/**
 * The files on which the parser failed, and when each must be parsed again. The cause may go without a change of the file: a node
 * short of memory, or too busy.
 */
export class ParseRetries {
  readonly #retries = new Map<string, Retry>()
  readonly #random: () => number

  /** @param random returns a number from 0 (inclusive) to 1 (exclusive) */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Records the outcome for a file. */
  note(file: string, hasFailed: boolean, now: number): void {
    if (!hasFailed) return void this.#retries.delete(file)
    let retry = this.#retries.get(file)
    if (retry === undefined) {
      const backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS, random: this.#random })
      this.#retries.set(file, (retry = { backoff, dueAt: undefined }))
    }
    retry.dueAt = now + retry.backoff.nextDelayMs()
  }

  /** Returns the files to parse now. Each is returned once until its next failure. */
  takeDue(now: number): string[] {
    const due: string[] = []
    for (const [file, retry] of this.#retries) {
      if (retry.dueAt === undefined || retry.dueAt > now) continue
      retry.dueAt = undefined
      due.push(file)
    }
    return due
  }

  /** Forgets files that no longer exist. */
  keepOnly(files: readonly string[]): void {
    for (const file of this.#retries.keys()) if (!files.includes(file)) this.#retries.delete(file)
  }
}

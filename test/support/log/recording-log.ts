import { EventEmitter, once } from 'node:events'
import { type Log, type LogFields } from '../../../lib/model/log.js'

export interface LogEntry {
  readonly severity: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
  readonly error?: unknown
}

/** Keeps all log entries, and lets a test search them or wait for the next one. */
export class RecordingLog implements Log {
  readonly entries: LogEntry[] = []
  readonly #events = new EventEmitter()
  readonly #onEntry: () => void

  /** @param onEntry called after each entry */
  constructor(onEntry: () => void = () => undefined) {
    this.#onEntry = onEntry
  }

  info(_level: number, message: string, fields: LogFields = {}): void {
    this.#add({ severity: 'info', message, fields })
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#add({ severity: 'warn', message, fields })
  }

  error(message: string, error: unknown, fields: LogFields = {}): void {
    this.#add({ severity: 'error', message, fields, error })
  }

  enabled(): boolean {
    return true
  }

  /** Entries that contain this text in the message, the error or the values. */
  entriesWith(text: string): readonly LogEntry[] {
    return this.entries.filter(entry => textOf(entry).includes(text))
  }

  /** Whether an entry contains this text in the message, the error or the values. */
  has(text: string): boolean {
    return this.entriesWith(text).length > 0
  }

  get errors(): readonly LogEntry[] {
    return this.entries.filter(({ severity }) => severity === 'error')
  }

  /** Resolves with the next entry. */
  async waitForEntry(): Promise<LogEntry> {
    const [entry] = (await once(this.#events, 'entry')) as [LogEntry]
    return entry
  }

  #add(entry: LogEntry): void {
    this.entries.push(entry)
    this.#events.emit('entry', entry)
    this.#onEntry()
  }
}

function textOf({ message, error, fields }: LogEntry): string {
  return [message, ...(error === undefined ? [] : [String(error)]), JSON.stringify(fields)].join(' ')
}

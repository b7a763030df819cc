import { EventEmitter, once } from 'node:events'
import { type Log, type LogFields } from '../../../lib/model/log.js'

export interface LogEntry {
  readonly severity: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
  readonly error?: unknown
}

/** Keeps what is logged, and lets a test wait for the next line. */
export class RecordingLog implements Log {
  readonly entries: LogEntry[] = []
  readonly #events = new EventEmitter()

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

  async waitForEntry(): Promise<LogEntry> {
    const [entry] = (await once(this.#events, 'entry')) as [LogEntry]
    return entry
  }

  #add(entry: LogEntry): void {
    this.entries.push(entry)
    this.#events.emit('entry', entry)
  }
}

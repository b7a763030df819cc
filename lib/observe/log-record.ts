import { type LogFields } from '../model/log.js'

/** Information, warning, error: the first letter of a klog line. */
export type Severity = 'I' | 'W' | 'E'

/** What a log line says. */
export interface LogRecord {
  readonly severity: Severity
  /** The verbosity from which on the line is written. */
  readonly level: number
  /** `file.js:line` of the call. */
  readonly position: string
  readonly message: string
  readonly fields: LogFields
  /** Milliseconds since 1970, with a fraction. */
  readonly at: number
}

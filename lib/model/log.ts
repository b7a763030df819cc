/** Values that follow a message as `key="value"`. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * The log of all parts with side effects. Pure parts never log: they return what they found out.
 *
 * Levels of `info` follow kube-proxy: 0 facts at the start, 1 added and removed service ports, 2 each sync, 3 each connection,
 * 4 each change, 5 rule text.
 */
export interface Log {
  /** Writes a message when the verbosity is at least `level`. */
  info(level: number, message: string, fields?: LogFields): void
  /** Writes a warning, at any verbosity. */
  warn(message: string, fields?: LogFields): void
  /** Writes an error with its code, its causes and its hint. */
  error(message: string, error: unknown, fields?: LogFields): void
  /** Whether `info(level, …)` would write: callers can skip the work for a message. */
  enabled(level: number): boolean
}

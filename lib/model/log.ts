/** Values shown after a message as `key="value"`. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Where the parts that touch the world tell what they do. Pure parts never log: they return what they found.
 *
 * Levels of `info` follow kube-proxy: 0 start facts, 1 a service port comes or goes, 2 each sync, 3 each connection,
 * 4 each change, 5 rule text.
 */
export interface Log {
  info(level: number, message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  /** `error` is shown with its code, its causes and its hint. */
  error(message: string, error: unknown, fields?: LogFields): void
  /** Whether `info(level, …)` would be written: to skip the work of building a message. */
  enabled(level: number): boolean
}

/** One small part of the program, measured alone, in this process. */
export interface MicroBench {
  readonly name: string
  /** What one operation is. */
  readonly operation: string
  /** Does `count` operations. */
  readonly run: (count: number) => void | Promise<void>
  /** Called at the end. */
  readonly end?: () => void
}

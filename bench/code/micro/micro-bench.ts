/** One small part of the program that is measured alone in this process. */
export interface MicroBench {
  readonly name: string
  /** The name of one operation. */
  readonly operation: string
  /** Does `count` operations. */
  readonly run: (count: number) => void | Promise<void>
  /** Called at the end. */
  readonly end?: () => void
}

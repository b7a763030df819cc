/** What the thread of `startTurnWatch` gets. */
export interface TurnWatchData {
  /** One number that changes while the event loop of the process turns. */
  readonly turns: Int32Array
  /** How often the thread looks, in milliseconds, and how many times in a row the number may be the same. */
  readonly tickMs: number
  readonly ticks: number
  readonly logFormat: 'text' | 'json'
}

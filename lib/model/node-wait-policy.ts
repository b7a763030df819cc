/** How long the first sync waits for the Node object. */
export interface NodeWaitPolicy {
  readonly timeoutMs: number
  /** After the timeout: serve without the Node, or end this process with NODE_MISSING. */
  readonly then: 'serve' | 'exit'
}

import { type Explanation } from '../../../explain/explanation.js'

/** The answer of the proxy about a packet. */
export interface AnsweredPacket {
  readonly explanation: Explanation
  /** The modes that it can be asked about. */
  readonly modes: readonly string[]
}

import { ProxyFailure } from '../model/failure.js'
import { closestText } from '../primitives/closest-text.js'
import { quoteValue } from '../primitives/quote-value.js'
import { parseDestination } from './destination-text.js'
import { type ExplainRequest } from './explain-packet.js'
import { parseSender } from './sender-text.js'

/** A question as it is written. */
export interface WrittenRequest {
  readonly from: string
  readonly to: string
  readonly namespace: string
}

/**
 * Reads a question.
 * @param version of this program
 * @throws ProxyFailure EXPLAIN_INVALID
 */
export function readRequest({ from, to, namespace }: WrittenRequest, version: string): ExplainRequest {
  const sender = parseSender(from)
  if (sender === undefined) throw wrongSender(from)
  const destination = parseDestination(to)
  if (destination === undefined)
    throw new ProxyFailure('EXPLAIN_INVALID', `${quoteValue(to)}: not a destination`, {
      hint: 'Use NAME:PORT, NAMESPACE/NAME:PORT or IP:PORT, such as nginx-service:80 or 10.96.0.10:80',
    })
  return { from: sender, to: destination, namespace, version }
}

function wrongSender(text: string): ProxyFailure {
  const near = closestText(text.split('/')[0]!, ['pod', 'node', 'outside'])
  return new ProxyFailure(
    'EXPLAIN_INVALID',
    `${quoteValue(text)}: not a sender${near === undefined ? '' : `; did you mean ${near}?`}`,
    { hint: 'Use pod/IP, node, outside, outside/IP, or an address' },
  )
}

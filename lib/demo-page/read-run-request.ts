import { type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { quoteValue } from '../primitives/quote-value.js'
import { RefusedRun } from './refused-run.js'

/** A request names one thing. */
const MAX_BYTES = 1000

/**
 * Reads what a page asks to run: the id in `{"id": "scale/5"}`. A page of another site can neither send this type of content without asking
 * first, nor hide its origin.
 * @throws RefusedRun
 */
export async function readRunRequest(request: IncomingMessage): Promise<string> {
  const { origin, 'content-type': type = '' } = request.headers
  if (origin === undefined)
    throw new RefusedRun(403, 'The request has no Origin: only the page of the demo may run something')
  if (type !== 'application/json')
    throw new RefusedRun(415, `Content-Type ${quoteValue(type)}: expected application/json`)
  if (!(Number(request.headers['content-length']) <= MAX_BYTES))
    throw new RefusedRun(
      413,
      `Content-Length ${quoteValue(request.headers['content-length'] ?? '')}: expected at most ${MAX_BYTES}`,
    )
  const body = await text(request)
  const id = idOf(body)
  if (id !== undefined) return id
  throw new RefusedRun(400, `The request is ${quoteValue(body)}: expected {"id": "…"}`)
}

function idOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== 'object' || value === null || !('id' in value)) return undefined
    return typeof value.id === 'string' ? value.id : undefined
  } catch {
    return undefined
  }
}

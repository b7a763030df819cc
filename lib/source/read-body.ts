import { type IncomingMessage } from 'node:http'
import { type Clock } from '../model/clock.js'
import { type ApiRequest, unreachableFailure, unreadableFailure } from './api-failure.js'
import { type ExchangeRecord } from './exchange-record.js'
import { LineSplitter } from './line-splitter.js'
import { redactSecrets } from './redact-secrets.js'
import { Watchdog } from './watchdog.js'
import { quoteValue } from '../primitives/quote-value.js'

/** A line of a watch with an object, as the API server writes it. */
const OBJECT_EVENT = /^\{"type":"(ADDED|MODIFIED|DELETED|BOOKMARK)"/

/** A response whose body was not read yet. */
export interface OpenedResponse {
  readonly response: IncomingMessage
  readonly record: ExchangeRecord
  /** The header that was sent; its secrets are cut out of every text that may be logged. */
  readonly authorization: string | undefined
}

/** How much of a body is read, and how long the server may take. */
export interface BodyLimits {
  readonly maxBytes: number
  /** How long the server may pause, in milliseconds. */
  readonly idleTimeoutMs: number
  readonly clock: Clock
}

/** Parses a body as JSON. Rejects if the server pauses too long, sends too much, or sends something else. */
export async function readBodyAsJson(
  opened: OpenedResponse,
  request: ApiRequest,
  limits: BodyLimits,
): Promise<unknown> {
  const { chunks, isCut } = await readBody(opened, limits)
  if (isCut) throw new Error(`the response is longer than ${limits.maxBytes} bytes`)
  return parseJson(toText(chunks), request, opened.authorization)
}

/** The start of a body as text that may be logged. Rejects if the server pauses too long. */
export async function readBodyStart(opened: OpenedResponse, limits: BodyLimits): Promise<string> {
  const { chunks } = await readBody(opened, limits)
  return redactSecrets(toText(chunks), opened.authorization)
}

/** Yields the lines that each chunk of an endless body completes. An empty batch shows that data arrived. */
export async function* readBodyLines(
  { response, authorization }: OpenedResponse,
  request: ApiRequest,
): AsyncGenerator<readonly string[]> {
  const splitter = new LineSplitter()
  // Objects are not logged; what else comes may be, and may echo the request.
  const cleaned = (line: string): string => (OBJECT_EVENT.test(line) ? line : redactSecrets(line, authorization))
  try {
    for await (const chunk of response) yield splitter.push(chunk as Buffer).map(cleaned)
  } catch (error) {
    throw unreachableFailure(request, error)
  }
}

async function readBody(
  { response, record }: OpenedResponse,
  { maxBytes, idleTimeoutMs, clock }: BodyLimits,
): Promise<{ readonly chunks: readonly Buffer[]; readonly isCut: boolean }> {
  const stalled = () => response.destroy(new Error(`no data for ${idleTimeoutMs / 1000} s`))
  const watchdog = new Watchdog(clock, idleTimeoutMs, stalled)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) {
      watchdog.recordActivity()
      chunks.push(chunk as Buffer)
      record.responseBytes += (chunk as Buffer).length
      if (record.responseBytes > maxBytes) break
    }
    return { chunks, isCut: record.responseBytes > maxBytes }
  } finally {
    watchdog.stop()
    record.end()
  }
}

function toText(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string, request: ApiRequest, authorization: string | undefined): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The message of JSON.parse quotes the start of the text.
    const safe = redactSecrets(text, authorization)
    const cause = safe === text ? error : new Error(`it starts with ${quoteValue(safe.slice(0, 40))}`)
    throw unreadableFailure(request, cause)
  }
}

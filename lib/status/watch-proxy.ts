import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { TIMEOUT_MS, noAnswer, notStatusApi, readAnswer, requireSocketPath, statusPath } from './ask-proxy.js'
import { EventReader, type StatusEvent } from './event-reader.js'

/** The proxy sends something every 15 s: one that is silent for longer hangs, and is asked again. In milliseconds. */
const SILENCE_MS = 45_000

/** Where to watch, and what. */
export interface WatchProxyOptions {
  readonly socket: string
  /** Which events. */
  readonly parameters: Readonly<Record<string, string>>
  /** Version of this program. */
  readonly version: string
  /** Ends the watch. */
  readonly signal: AbortSignal
}

/**
 * Hands over the events of a proxy, one after the other, until the proxy ends.
 * @throws ProxyFailure STATUS_UNAVAILABLE if no proxy with the same API answers, STATUS_INVALID if it knows no such thing
 */
export async function watchProxy(
  { socket, parameters, version, signal }: WatchProxyOptions,
  onEvent: (event: StatusEvent) => Promise<void>,
): Promise<void> {
  const response = await open(socket, statusPath('events', parameters), signal)
  if (response.headers['content-type'] !== 'text/event-stream') {
    readAnswer(await text(response), socket, version)
    throw notStatusApi(socket)
  }
  const reader = new EventReader()
  for await (const piece of untilCut(response)) for (const event of read(reader, piece, socket)) await onEvent(event)
}

/** A proxy that ends cuts its viewers off: that ends the pieces, too. */
async function* untilCut(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8')
  try {
    for await (const piece of response) yield piece as string
  } catch {
    // Whatever has cut it: there is no more.
  }
}

function read(reader: EventReader, piece: string, socket: string): readonly StatusEvent[] {
  try {
    return reader.take(piece)
  } catch {
    throw notStatusApi(socket)
  }
}

async function open(socketPath: string, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  requireSocketPath(socketPath)
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ socketPath, path, agent: false, timeout: TIMEOUT_MS, signal }, response => {
        sent.setTimeout(SILENCE_MS)
        resolve(response)
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
      sent.on('error', reject)
      sent.end()
    })
  } catch (cause) {
    throw noAnswer(socketPath, cause)
  }
}

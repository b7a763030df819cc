import { randomBytes } from 'node:crypto'
import {
  CLIENT_IPS,
  FAILING_SERVICE,
  PERSISTENT_SERVICE,
  LOOKUP_SERVICE,
  SHORT_SERVICE,
  FIXED_PORT_SERVICE,
  STREAM_SERVICE,
} from '../soak-services.js'
import { echoOnce } from './echo-once.js'
import { UdpEchoClient } from './udp-echo-client.js'
import { PersistentConnectionTask } from './persistent-connection-task.js'
import { type RepeatedTask } from './repeated-task.js'
import { AffinityTask } from './affinity-task.js'
import { type TallyRecorder } from './tally.js'

const CHUNK_BYTES = 64 * 1024
/** Requests of each new port. */
const LOOKUPS = 3
/** Longer than all dial attempts to a silent endpoint, in milliseconds. */
const FAILING_TIMEOUT_MS = 6000

/** The load on Services that always exist: some 300 requests and 1 MiB per second. */
export function constantLoad(book: TallyRecorder): RepeatedTask[] {
  const request = Buffer.from('a small request\n')
  const piece = randomBytes(CHUNK_BYTES)
  return [
    ...repeat(
      8,
      () =>
        new PersistentConnectionTask(PERSISTENT_SERVICE, 'persistent', book, {
          pauseMs: 100,
          payload: request,
          maxRequests: 100,
        }),
    ),
    ...repeat(8, () => makeTask(200, () => book.count('short', async () => void (await echoOnce(SHORT_SERVICE))))),
    ...repeat(
      2,
      () =>
        new PersistentConnectionTask(STREAM_SERVICE, 'stream', book, {
          pauseMs: 250,
          payload: piece,
          maxRequests: Infinity,
        }),
    ),
    ...repeat(
      2,
      () =>
        new PersistentConnectionTask(STREAM_SERVICE, 'stream', book, {
          pauseMs: 250,
          payload: piece,
          maxRequests: 100,
        }),
    ),
    ...repeat(8, () => makeTask(400, () => lookUp(book))),
    ...repeat(8, () => new FixedPortTask(book)),
    ...CLIENT_IPS.map(ip => new AffinityTask(book, ip)),
    ...repeat(2, () => makeTask(1000, () => book.count('failing', requestFailingService))),
  ]
}

async function requestFailingService(): Promise<void> {
  await echoOnce(FAILING_SERVICE, { timeoutMs: FAILING_TIMEOUT_MS })
}

async function lookUp(book: TallyRecorder): Promise<void> {
  const port = await UdpEchoClient.open(LOOKUP_SERVICE)
  for (let n = 0; n < LOOKUPS; n++)
    await book.count('lookup', async () => {
      book.tallies.lookup.retries += await port.echo()
    })
  port.close()
}

/** A fixed client port: when its endpoint is removed, its flow moves to another one. */
class FixedPortTask implements RepeatedTask {
  readonly pauseMs = 500
  readonly #tallies: TallyRecorder
  #port: UdpEchoClient | undefined

  constructor(book: TallyRecorder) {
    this.#tallies = book
  }

  async runOnce(): Promise<void> {
    await this.#tallies.count('fixed-port', async () => {
      this.#port ??= await UdpEchoClient.open(FIXED_PORT_SERVICE)
      this.#tallies.tallies['fixed-port'].retries += await this.#port.echo()
    })
  }

  end(): Promise<void> {
    this.#port?.close()
    return Promise.resolve()
  }
}

function makeTask(pauseMs: number, work: () => Promise<unknown>): RepeatedTask {
  return {
    pauseMs,
    async runOnce() {
      await work()
    },
  }
}

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

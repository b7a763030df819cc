import { type ServerResponse } from 'node:http'
import { SerialQueue } from '../primitives/serial-queue.js'
import { type AnswerPace } from './answer-pace.js'
import { hasLeft, onceClosed } from './once-closed.js'

/** The text of an answer, and how long it is. */
export type AnswerText = readonly Buffer[]

interface AskedAnswer {
  readonly text: Promise<AnswerText | undefined>
  readonly clients: ServerResponse[]
}

/** No further large answer is made while clients have so many bytes of earlier ones to read. */
const MAX_UNREAD_BYTES = 32_000_000

/**
 * Lets one large answer of each kind be made at a time, at a pace that leaves processor time to others, and none while clients have much to
 * read: an answer that waits for a silent worker holds up only those of its kind. Clients that ask for the same while it waits share the
 * answer. What no client waits for any more is not made.
 */
export class AnswerTurns {
  readonly #pace: AnswerPace
  readonly #queues = new Map<string, SerialQueue>()
  /** By what was asked for: the answers that wait for their turn. */
  readonly #asked = new Map<string, AskedAnswer>()
  #unread = 0
  readonly #waiting = new Set<() => void>()

  constructor(pace: AnswerPace) {
    this.#pace = pace
  }

  /**
   * Resolves with the answer; undefined: all who asked for it have left.
   * @param kind such as `rules`
   * @param what of this kind, such as the whole request
   */
  run(
    kind: string,
    what: string,
    client: ServerResponse,
    make: () => Promise<AnswerText>,
  ): Promise<AnswerText | undefined> {
    const known = this.#asked.get(what)
    known?.clients.push(client)
    if (known !== undefined) return known.text
    const clients = [client]
    const queue = this.#queues.get(kind) ?? new SerialQueue()
    this.#queues.set(kind, queue)
    const text = queue.run(async () => {
      await this.#pace.turn()
      await this.#room()
      this.#asked.delete(what)
      return clients.every(hasLeft) ? undefined : this.#pace.count(make)
    })
    this.#asked.set(what, { text, clients })
    return text
  }

  /** A client gets so many bytes. */
  sent(client: ServerResponse, bytes: number): void {
    this.#unread += bytes
    onceClosed(client, () => {
      this.#unread -= bytes
      for (const look of this.#waiting) look()
      this.#waiting.clear()
    })
  }

  async #room(): Promise<void> {
    while (this.#unread >= MAX_UNREAD_BYTES) await new Promise<void>(resolve => this.#waiting.add(resolve))
  }
}

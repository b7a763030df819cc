import { type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { withTimeout } from '../../../../lib/primitives/with-timeout.js'
import { realClock } from '../../../../lib/system/real-clock.js'

/** What a command has left. */
export interface CommandAnswer {
  readonly exitCode: number
  readonly output: string
}

/** The port of a machine to which a test sends commands, one after the other. agent.sh is its other end. */
export class CommandPort {
  readonly #socket: Socket
  readonly #answers: AsyncIterator<string>
  readonly #ended: Promise<never>

  /** @param ended rejects when the machine ends */
  constructor(socket: Socket, ended: Promise<never>) {
    this.#socket = socket
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]()
    this.#ended = ended
  }

  /** Resolves when the machine takes commands. @throws Error after so many milliseconds */
  async waitUntilReady(limitMs: number): Promise<void> {
    await this.#readLine('The machine for arm64 was not ready', limitMs)
  }

  /**
   * Runs a line of bash to its end, with its output. What it starts in the background must have its output elsewhere.
   * @throws Error with the command after so many milliseconds: then no other one can be run
   */
  async exec(command: string, limitMs: number): Promise<CommandAnswer> {
    this.#socket.write(`${Buffer.from(command).toString('base64')}\n`)
    const line = await this.#readLine(`On the machine for arm64, this command did not end: ${command}:`, limitMs)
    const [exitCode, output = ''] = line.split(' ')
    return { exitCode: Number(exitCode), output: Buffer.from(output, 'base64').toString() }
  }

  async #readLine(problem: string, limitMs: number): Promise<string> {
    const line = await withTimeout<IteratorResult<string> | undefined>(
      Promise.race([this.#answers.next(), this.#ended]),
      { clock: realClock, ms: limitMs, onTimeout: () => undefined },
    )
    if (line === undefined) throw new Error(`${problem} within ${limitMs / 1000} s`)
    return line.done === true ? this.#ended : line.value
  }
}

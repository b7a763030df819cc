import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { type BenchService } from '../../testbed/bench-service.js'

/** Longer than a live endpoint takes on a busy machine, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000

export interface EchoOptions {
  /** The source address. */
  readonly localAddress?: string
  /** Time limit of each answer in milliseconds. */
  readonly timeoutMs?: number
  /** The name with which Pods answer. */
  readonly expectedName?: string
}

/** A connection to a Service of the soak: the Pod has to return all data unchanged. */
export class EchoConnection {
  readonly #socket: Socket
  readonly #timeoutMs: number
  #received: Buffer[] = []
  #size = 0
  #failure: Error | undefined
  #onChange: () => void = () => undefined
  #pod = ''

  private constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket
    this.#timeoutMs = patienceMs
    socket.on('data', data => {
      this.#received.push(data)
      this.#size += data.length
      this.#onChange()
    })
    socket.on('error', error => this.#fail(error))
    socket.on('end', () => this.#fail(new Error('closed early')))
  }

  /** @throws Error if no Pod answers, or a Pod of another Service does */
  static async open({ clusterIP, port, name }: BenchService, options: EchoOptions = {}): Promise<EchoConnection> {
    const { localAddress, timeoutMs = ANSWER_TIMEOUT_MS, expectedName = name } = options
    const socket = connect({
      host: clusterIP,
      port,
      noDelay: true,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const connection = new EchoConnection(socket, timeoutMs)
    try {
      const greeting = await connection.#readLine()
      const [service, pod] = greeting.split(' ')
      if (service !== expectedName || pod === undefined) throw new Error(`answered by another Service`)
      connection.#pod = pod
      return connection
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** The address of the Pod that answers. */
  get pod(): string {
    return this.#pod
  }

  /** Sends bytes and waits until they return. @throws Error if they are missing or different */
  async echo(bytes: Buffer): Promise<void> {
    this.#socket.write(bytes)
    await this.#waitUntil(() => this.#size >= bytes.length)
    const received = Buffer.concat(this.#received)
    this.#received = []
    this.#size = 0
    if (!received.equals(bytes)) throw new Error('something else came back')
  }

  /** Ends the connection. @throws Error if the other side does not end it too */
  async end(): Promise<void> {
    this.#socket.removeAllListeners('end')
    if (this.#failure !== undefined) throw this.#failure
    const limit = AbortSignal.timeout(this.#timeoutMs)
    const ended = once(this.#socket, 'end', { signal: limit })
    this.#socket.end()
    try {
      await ended
    } catch (error) {
      throw limit.aborted ? new Error('does not end') : error
    } finally {
      this.#socket.destroy()
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #readLine(): Promise<string> {
    const received = (): Buffer => Buffer.concat(this.#received)
    await this.#waitUntil(() => this.#size > 0 && received().includes('\n'))
    const line = received().toString()
    this.#received = []
    this.#size = 0
    return line.trimEnd()
  }

  async #waitUntil(condition: () => boolean): Promise<void> {
    if (condition()) return
    if (this.#failure !== undefined) throw this.#failure
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs)
        this.#onChange = () => {
          if (condition()) resolve()
          else if (this.#failure !== undefined) reject(this.#failure)
        }
      })
    } finally {
      clearTimeout(timer)
      this.#onChange = () => undefined
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#onChange()
  }
}

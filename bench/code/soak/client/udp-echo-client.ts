import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type BenchService } from '../../testbed/bench-service.js'

/** How long to wait for an answer before sending again, as resolvers do, in milliseconds. */
const ANSWER_TIMEOUT_MS = 1000
const MAX_ATTEMPTS = 8

/** A client port that sends requests to a UDP Service of the soak. */
export class UdpEchoClient {
  readonly #socket: Socket
  readonly #expectedName: string
  #requestCount = 0

  private constructor(socket: Socket, answeredAs: string) {
    this.#socket = socket
    this.#expectedName = answeredAs
  }

  /** @param answeredAs the name with which Pods answer */
  static async open({ clusterIP, port, name }: BenchService, answeredAs = name): Promise<UdpEchoClient> {
    const socket = createSocket('udp4')
    socket.connect(port, clusterIP)
    await once(socket, 'connect')
    // Passed on to the caller that waits for an answer.
    socket.on('error', () => undefined)
    return new UdpEchoClient(socket, answeredAs)
  }

  /**
   * Sends a datagram repeatedly until it returns.
   * @returns the number of repetitions: a datagram can be lost if its endpoint is removed at that moment
   * @throws Error if no answer comes, or one from another Service, or the request is refused
   */
  async echo(attempts = MAX_ATTEMPTS): Promise<number> {
    const text = `request ${++this.#requestCount}`
    for (let again = 0; again < attempts; again++) {
      const answer = await this.#echoOnce(text)
      if (answer === undefined) continue
      if (answer !== this.#expectedName) throw new Error('answered by another Service')
      return again
    }
    throw new Error(`no answer to ${attempts} datagrams`)
  }

  close(): void {
    this.#socket.close()
  }

  /** @returns the Service that answered; undefined without an answer */
  #echoOnce(text: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const onMessage = (datagram: Buffer): void => {
        const [service, , ...echo] = datagram.toString().split(' ')
        // A late answer to an earlier request.
        if (echo.join(' ') === text) done(() => resolve(service))
      }
      const onError = (error: Error): void => done(() => reject(error))
      const timer = setTimeout(() => done(() => resolve(undefined)), ANSWER_TIMEOUT_MS)
      const done = (say: () => void): void => {
        clearTimeout(timer)
        this.#socket.off('message', onMessage).off('error', onError)
        say()
      }
      this.#socket.on('message', onMessage).on('error', onError)
      this.#socket.send(text)
    })
  }
}

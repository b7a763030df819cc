import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { type TeardownScope } from '../nodes/node-network.js'

/** A client of a Unix socket, or of a port of loopback, that sends any bytes. */
export class RawClient {
  readonly socket: Socket
  /** Resolves with all that it has got when the connection has ended. */
  readonly ended: Promise<string>

  /** @param at path of the socket, or number of the port */
  static async open(t: TeardownScope, at: string | number): Promise<RawClient> {
    const socket = typeof at === 'number' ? connect(at, '127.0.0.1') : connect(at)
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    let got = ''
    socket.setEncoding('utf8').on('data', (text: string) => (got += text))
    socket.on('error', () => undefined)
    this.ended = new Promise(resolve => socket.on('close', () => resolve(got)))
  }

  /** Sends one GET for each target at once, and says with the last one that it sends no more. */
  send(...targets: readonly string[]): void {
    this.sendTo('status', ...targets)
  }

  /** The same, with another `Host`. */
  sendTo(host: string, ...targets: readonly string[]): void {
    const last = targets.length - 1
    const request = (target: string, index: number): string =>
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${index === last ? 'Connection: close\r\n' : ''}\r\n`
    this.socket.write(targets.map(request).join(''))
  }
}

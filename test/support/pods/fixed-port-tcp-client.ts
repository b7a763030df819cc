import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type NodeNetwork } from '../nodes/node-network.js'

/**
 * For each empty line of its standard input, connects from the same port, prints the first answer or an error, and then `closed`. Other
 * lines it sends.
 */
const PROGRAM = `
  const [ip, port, localPort] = process.argv.slice(1)
  let socket
  require('readline').createInterface({ input: process.stdin }).on('line', line => {
    if (line !== '') return socket.write(line)
    socket = require('net').connect({ host: ip, port: Number(port), localPort: Number(localPort) })
    socket.on('connect', () => socket.write('echo\\n'))
    socket.once('data', data => console.log(String(data).trim()))
    socket.on('error', error => console.log(error.code)).on('close', () => console.log('closed'))
  })`

/** A client on a node that connects again and again from one port. */
export class FixedPortTcpClient {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, ip: string, port: number, localPort: number) {
    const args = ['-e', PROGRAM, ip, String(port), String(localPort)]
    this.#child = network.start(network.node, process.execPath, args)
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Connects. @returns `echo` if the connection is open now, or an error code */
  async connect(): Promise<string> {
    this.#child.stdin!.write('\n')
    return this.readLine()
  }

  /** Sends something, and does not wait for an answer. */
  send(text: string): void {
    this.#child.stdin!.write(`${text}\n`)
  }

  /** What happens next: an error code, or `closed`. */
  async readLine(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The client has exited')
    return value
  }
}

import { once } from 'node:events'
import { type Server, type Socket, createServer, connect } from 'node:net'
import type { Test } from 'tap'
import { unusedAddress } from './unused-address.js'

/** A real TCP server on loopback in place of a Pod. */
export class TcpPod {
  readonly sockets: Socket[] = []
  readonly #server: Server
  #ip = '127.0.0.1'

  private constructor(serve: (socket: Socket, pod: TcpPod) => void) {
    this.#server = createServer({ allowHalfOpen: true }, socket => {
      this.sockets.push(socket)
      socket.on('error', () => undefined)
      serve(socket, this)
    })
  }

  /** @param serve handles each connection */
  static async start(t: Test, serve: (socket: Socket, pod: TcpPod) => void, ip = '127.0.0.1'): Promise<TcpPod> {
    const pod = new TcpPod(serve)
    pod.#ip = ip
    pod.#server.listen(0, ip)
    await once(pod.#server, 'listening')
    t.teardown(() => pod.stop())
    return pod
  }

  /** Starts a Pod that sends its name and ends the connection. */
  static startNamed(t: Test, name: string): Promise<TcpPod> {
    return TcpPod.start(t, socket => socket.end(name))
  }

  get endpoint(): { ip: string; port: number } {
    return { ip: this.#ip, port: (this.#server.address() as { port: number }).port }
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

/** An endpoint that refuses connections. At 127.0.0.1 a Pod or another program may get the port later. */
export async function refusingEndpoint(ip = unusedAddress()): Promise<{ ip: string; port: number }> {
  const server = createServer()
  server.listen(0, ip)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return { ip, port }
}

/** What a client sees of one connection. */
export interface ConnectionResult {
  readonly received: Buffer
  /** The system error code with which it ended; undefined after a clean end. */
  readonly error: string | undefined
}

/** Connects, sends, half-closes and reads to the end. */
export function exchange(
  port: number,
  send: Buffer | string = '',
  localAddress?: string,
  host = '127.0.0.1',
): Promise<ConnectionResult> {
  return new Promise(resolve => {
    const socket = connect({
      port,
      host,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const chunks: Buffer[] = []
    let error: string | undefined
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code))
    socket.on('close', () => resolve({ received: Buffer.concat(chunks), error }))
    socket.end(send)
  })
}

/** Connects without sending. @returns the text of the server */
export async function readAnswer(port: number, localAddress?: string): Promise<string> {
  const { received, error } = await exchange(port, '', localAddress)
  return error ?? received.toString()
}

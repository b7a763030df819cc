import { once } from 'node:events'
import { type Server, type Socket, createServer, connect } from 'node:net'
import type { Test } from 'tap'
import { unusedAddress } from './unused-address.js'

/** A real TCP server on loopback that plays a Pod. */
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

  /** @param serve what it does with each connection */
  static async start(t: Test, serve: (socket: Socket, pod: TcpPod) => void, ip = '127.0.0.1'): Promise<TcpPod> {
    const pod = new TcpPod(serve)
    pod.#ip = ip
    pod.#server.listen(0, ip)
    await once(pod.#server, 'listening')
    t.teardown(() => pod.stop())
    return pod
  }

  /** One that says its name and ends. */
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

/** An endpoint that refuses. At 127.0.0.1 a Pod may come to it later, or, by chance, anybody else. */
export async function refusingEndpoint(ip = unusedAddress()): Promise<{ ip: string; port: number }> {
  const server = createServer()
  server.listen(0, ip)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return { ip, port }
}

/** What a client sees of one connection from begin to end. */
export interface ConnectionResult {
  readonly received: Buffer
  /** The system's code of the error that ended it; undefined after an orderly end. */
  readonly error: string | undefined
}

/** Connects, sends and half-closes, and reads to the end. */
export function exchange(port: number, send: Buffer | string = '', localAddress?: string): Promise<ConnectionResult> {
  return new Promise(resolve => {
    const socket = connect({
      port,
      host: '127.0.0.1',
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

/** The text that a client gets that sends nothing. */
export async function readAnswer(port: number, localAddress?: string): Promise<string> {
  const { received, error } = await exchange(port, '', localAddress)
  return error ?? received.toString()
}

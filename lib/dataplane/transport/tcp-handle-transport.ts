import { createServer } from 'node:net'
import { type Target } from '../../balancer/balancer.js'
import { HandleSplice } from './handle-splice.js'
import { openServer } from './open-server.js'
import { ReadBuffers } from './read-buffers.js'
import { ReadTurns } from './read-turns.js'
import { TcpHandle } from './tcp-handle.js'
import {
  type TcpConnector,
  type TcpServer,
  type TcpListenOptions,
  type TcpSocket,
  type TcpSpliceOwner,
  type TcpTransport,
} from './tcp-transport.js'

/** TCP with Node.js's internal TCP handles: the fast path. */
export class TcpHandleTransport implements TcpTransport {
  readonly #buffers: ReadBuffers
  readonly #turns = new ReadTurns()

  /** @param buffers shared by all connections of this transport */
  constructor(buffers = new ReadBuffers()) {
    this.#buffers = buffers
  }

  async listen({
    bound,
    address,
    port,
    backlog,
    keepAliveMs,
    onClient,
    onError,
  }: TcpListenOptions): Promise<TcpServer> {
    const server = createServer()
    const boundPort = await openServer(server, { bound, address, port, backlog }, () =>
      TcpHandle.accept(server, toSeconds(keepAliveMs), onClient, onError),
    )
    return { port: boundPort, close: () => void server.close() }
  }

  connect({ ip, port }: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
    return TcpHandle.connect(ip, port, toSeconds(keepAliveMs), connector)
  }

  splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): HandleSplice {
    return new HandleSplice(client as TcpHandle, endpoint as TcpHandle, this.#buffers, this.#turns, owner)
  }
}

function toSeconds(ms: number): number {
  return Math.trunc(ms / 1000)
}

import { createServer } from 'node:net'
import { type Target } from '../../balancer/balancer.js'
import { acceptHandles } from './accept-handles.js'
import { connectHandle } from './connect-handle.js'
import { HandleSplice, type SharedByHandles } from './handle-splice.js'
import { openServer } from './open-server.js'
import { ReadBuffers } from './read-buffers.js'
import { ReadTurns } from './read-turns.js'
import { type TcpHandle } from './tcp-handle.js'
import { TcpTable } from './tcp-table.js'
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
  readonly #shared: SharedByHandles

  /** @param buffers shared by all connections of this transport, as is the table */
  constructor(buffers = new ReadBuffers(), table = new TcpTable()) {
    this.#shared = { buffers, turns: new ReadTurns(), table }
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
      acceptHandles(server, toSeconds(keepAliveMs), onClient, onError),
    )
    return { port: boundPort, close: () => void server.close() }
  }

  connect({ ip, port }: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
    return connectHandle(ip, port, toSeconds(keepAliveMs), connector)
  }

  splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): HandleSplice {
    return new HandleSplice(client as TcpHandle, endpoint as TcpHandle, this.#shared, owner)
  }
}

function toSeconds(ms: number): number {
  return Math.trunc(ms / 1000)
}

import { connect, createServer } from 'node:net'
import { type Target } from '../balancer/balancer.js'
import { type HalfClosedLimit } from './half-closed-limit.js'
import { NetSocket } from './net-socket.js'
import { openServer } from './open-server.js'
import { Splice } from './splice.js'
import {
  type TcpConnector,
  type TcpDoor,
  type TcpDoorOptions,
  type TcpSocket,
  type TcpSocketOwner,
  type TcpTransport,
} from './tcp-transport.js'

const NOBODY: TcpSocketOwner = { closed: () => undefined }

/** TCP by way of Node's public API. */
export class NetTransport implements TcpTransport {
  async listen({ bound, address, port, backlog, keepAliveMs, onClient, onError }: TcpDoorOptions): Promise<TcpDoor> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    })
    server.on('connection', stream => onClient(new NetSocket(stream, NOBODY)))
    const held = await openServer(server, { bound, address, port, backlog }, () => server.on('error', onError))
    return { port: held, close: () => void server.close() }
  }

  connect({ ip, port }: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
    const stream = connect({
      host: ip,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    })
    const socket = new NetSocket(stream, connector, {
      broke: (_, error) => connector.failed(socket, error),
      ended: () => undefined,
    })
    stream.once('connect', () => {
      socket.user = undefined
      connector.connected(socket)
    })
    // Node itself makes the system call one tick after it was asked to.
    process.nextTick(() => connector.started(socket))
    return socket
  }

  splice(client: TcpSocket, endpoint: TcpSocket, limit: HalfClosedLimit): Splice {
    return new Splice(client as NetSocket, endpoint as NetSocket, limit)
  }
}

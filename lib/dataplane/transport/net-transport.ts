import { connect, createServer } from 'node:net'
import { type Target } from '../../balancer/balancer.js'
import { NetSocket } from './net-socket.js'
import { openServer } from './open-server.js'
import { NetSplice } from './net-splice.js'
import { ReadTurns } from './read-turns.js'
import { TcpTable } from './tcp-table.js'
import {
  type TcpConnector,
  type TcpServer,
  type TcpListenOptions,
  type TcpSocket,
  type TcpSocketOwner,
  type TcpSpliceOwner,
  type TcpTransport,
} from './tcp-transport.js'

const NO_OWNER: TcpSocketOwner = { onClose: () => undefined }

/** TCP with Node.js's public API. */
export class NetTransport implements TcpTransport {
  readonly #table = new TcpTable()
  readonly #turns = new ReadTurns()

  async listen({
    bound,
    address,
    port,
    backlog,
    keepAliveMs,
    onClient,
    onError,
  }: TcpListenOptions): Promise<TcpServer> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    })
    server.on('connection', stream => onClient(new NetSocket(stream, NO_OWNER)))
    const boundPort = await openServer(server, { bound, address, port, backlog }, () => server.on('error', onError))
    return { port: boundPort, close: () => void server.close() }
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
    const events = {
      onError: (_: NetSocket, error: Error) => connector.onError(socket, error),
      onClose: () => undefined,
    }
    const socket = new NetSocket(stream, connector, events, { ip, port })
    stream.once('connect', () => {
      socket.events = undefined
      connector.onConnect(socket)
    })
    // Node.js makes the system call one tick later.
    process.nextTick(() => connector.onConnecting(socket))
    return socket
  }

  splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): NetSplice {
    return new NetSplice(client as NetSocket, endpoint as NetSocket, this.#table, this.#turns, owner)
  }
}

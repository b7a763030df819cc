import { type RawRequest, tcpBinding } from './raw-tcp.js'
import { systemError } from './socket-error.js'
import { TcpHandle } from './tcp-handle.js'
import { type TcpConnector } from './tcp-transport.js'

const { TCP, TCPConnectWrap, constants } = tcpBinding

/** See TcpTransport.connect. */
export function connectHandle(ip: string, port: number, keepAliveSeconds: number, connector: TcpConnector): TcpHandle {
  const raw = new TCP<TcpHandle>(constants.SOCKET)
  const handle = new TcpHandle(raw, connector)
  const request = new TCPConnectWrap<TcpHandle>()
  request.handle = handle
  request.connector = connector
  request.oncomplete = onConnected
  const status = ip.includes(':') ? raw.connect6(request, ip, port) : raw.connect(request, ip, port)
  if (status !== 0) {
    process.nextTick(() => finishConnect(handle, connector, status))
  } else {
    raw.setNoDelay(true)
    raw.setKeepAlive(true, keepAliveSeconds)
    connector.onConnecting(handle)
  }
  return handle
}

function onConnected(this: RawRequest<TcpHandle>, status: number): void {
  finishConnect(this.handle!, this.connector!, status)
}

function finishConnect(handle: TcpHandle, connector: TcpConnector, status: number): void {
  if (!handle.isOpen) return
  if (status === 0) return connector.onConnect(handle)
  handle.close()
  connector.onError(handle, systemError('connect', status))
}

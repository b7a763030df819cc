import { type Server } from 'node:net'
import { type RawTcp } from './raw-tcp.js'
import { systemError } from './socket-error.js'
import { TcpHandle } from './tcp-handle.js'

/** Makes a listening server of `net` give its clients to `onClient` as handles. */
export function acceptHandles(
  server: Server,
  keepAliveSeconds: number,
  onClient: (client: TcpHandle) => void,
  onError: (error: Error) => void,
): void {
  const raw = (server as unknown as { readonly _handle: RawTcp<TcpHandle> })._handle
  // The kernel copies both to the sockets that it accepts.
  raw.setNoDelay(true)
  raw.setKeepAlive(true, keepAliveSeconds)
  raw.onconnection = (status, client) => {
    if (client === undefined) onError(systemError('accept', status))
    else onClient(new TcpHandle(client))
  }
}

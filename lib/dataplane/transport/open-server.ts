import { type Server } from 'node:net'
import { type BindOptions } from './bind-options.js'
import { type TcpListenOptions } from './tcp-transport.js'

/**
 * Makes a server listen, alone, on one address of one family. Resolves with its port; rejects with the system's error.
 * @param onListening called before the first client is accepted
 */
export function openServer(
  server: Server,
  { bound, address, port, backlog }: BindOptions & Pick<TcpListenOptions, 'backlog'>,
  onListening: () => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const listening = (): void => {
      server.removeListener('error', reject)
      onListening()
      resolve((server.address() as { port: number }).port)
    }
    if (bound !== undefined) server.listen(bound, backlog, listening)
    else server.listen({ host: address, port, backlog, exclusive: true, ipv6Only: address.includes(':') }, listening)
  })
}

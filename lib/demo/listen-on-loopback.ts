import { once } from 'node:events'
import { type Server, createServer } from 'node:net'
import { ProxyFailure } from '../model/failure.js'
import { refuseUntilServed } from './refuse-until-served.js'

/** Listens on loopback of the network namespace of this process. @param port 0: the kernel chooses @throws ProxyFailure */
export async function listenOnLoopback(port: number): Promise<Server> {
  const server = refuseUntilServed(createServer())
  try {
    const listening = once(server, 'listening')
    server.listen(port, '127.0.0.1')
    await listening
    return server
  } catch (cause) {
    throw new ProxyFailure('HTTP_BIND_FAILED', `Cannot serve the page on "127.0.0.1:${port}"`, {
      cause,
      hint: 'Stop the process that uses the port (ss -atnp shows it), or choose another one with --page-port',
    })
  }
}

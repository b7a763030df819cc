import { type Server } from 'node:net'

/** Disconnects each client of a socket that another server will take over: without an answer until then, a browser would wait forever. */
export function refuseUntilServed(server: Server): Server {
  return server.on('connection', socket => socket.destroy())
}

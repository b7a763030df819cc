/**
 * Entry: the server in the Pods of the soak. At each of their addresses and for each Service: TCP sends `SERVICE ADDRESS` in a
 * line and then returns all data; UDP returns each datagram with these two words before it.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ALL_SERVICES, LIVE_IPS } from './soak-services.js'

for (const ip of LIVE_IPS) {
  for (const { name, protocol, targetPort } of ALL_SERVICES) {
    const who = `${name} ${ip}`
    if (protocol === 'UDP') {
      const socket = createSocket('udp4')
      socket.on('message', (datagram, from) => socket.send(`${who} ${datagram.toString()}`, from.port, from.address))
      socket.on('error', () => undefined)
      await once(socket.bind(targetPort, ip), 'listening')
    } else {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
        socket.on('error', () => undefined)
        socket.write(`${who}\n`)
        socket.pipe(socket)
      })
      await once(server.listen({ port: targetPort, host: ip, backlog: 4096 }), 'listening')
    }
  }
}
process.stdout.write('ready\n')

/**
 * Entry of a Pod's process in the tests: `pod-server.js NAME`. TCP 8080 and UDP 5353 answer with the name, TCP 8089 with the
 * client's address that the Pod sees, TCP 8090 and UDP 5390 with both.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const name = process.argv[2]!
createServer(socket => {
  socket.on('error', () => undefined)
  socket.end(String(socket.remoteAddress).replace('::ffff:', ''))
}).listen(8089)
createServer(socket => {
  socket.on('error', () => undefined)
  socket.end(`${name} ${String(socket.remoteAddress).replace('::ffff:', '')}`)
}).listen(8090)
const both = createSocket('udp6')
both.on('message', (_datagram, { port, address }) =>
  both.send(`${name} ${address.replace('::ffff:', '')}`, port, address),
)
both.bind(5390)
const udp = createSocket('udp6')
udp.on('message', (datagram, from) => udp.send(`${name} ${datagram.length}`, from.port, from.address))
udp.bind(5353, () => {
  createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined)
    // After the line "echo" the server returns all data; otherwise it answers with the name.
    let echo = false
    socket.on('data', chunk => {
      if (echo || String(chunk) === 'echo\n') {
        echo = true
        socket.write(chunk)
      }
    })
    socket.on('end', () => socket.end(echo ? '' : name))
  }).listen({ port: 8080, backlog: 4096 }, () => process.stdout.write('ready\n'))
})

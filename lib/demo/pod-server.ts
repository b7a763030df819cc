/**
 * Entry of a Pod's process: `pod-server.js NAME IP PORT/PROTOCOL …`. Serves HTTP on TCP ports and answers datagrams on UDP ports,
 * each time with the name of the Pod; `/?wait=500` answers after 500 ms. Prints `ready`. A line of its standard input is a number: from now on each
 * HTTP answer comes so many milliseconds later; it prints `ok`. Exits at the end of its standard input, so it never outlives the demo.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const [name, ip, ...ports] = process.argv.slice(2)
let delayMs = 0

for (const [port, protocol] of ports.map(text => text.split('/'))) {
  if (protocol === 'UDP') {
    const socket = createSocket('udp4')
    socket.on('message', (_datagram, from) => socket.send(`${name} ${from.address}`, from.port, from.address))
    socket.bind(Number(port))
    await once(socket, 'listening')
  } else {
    const server = createServer((request, response) => {
      const client = request.socket.remoteAddress?.replace('::ffff:', '')
      response.setHeader('X-Pod', `${name} ${client}`)
      const answer = `This is Pod ${name} (${ip}). It received your request from ${client}.\n`
      const wait = delayMs + Number(new URL(request.url ?? '/', 'http://pod').searchParams.get('wait'))
      if (wait > 0) setTimeout(() => response.end(answer), wait)
      else response.end(answer)
    })
    server.listen(Number(port))
    await once(server, 'listening')
  }
}
process.stdout.write('ready\n')
createInterface({ input: process.stdin })
  .on('line', line => {
    delayMs = Number(line)
    process.stdout.write('ok\n')
  })
  .on('close', () => process.exit())

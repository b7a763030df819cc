/**
 * Entry: `own-socket-entry.js`, for a network namespace of its own. Its kernel then chooses no other port than that of the endpoint
 * 127.0.0.1:30080, where nothing listens: each socket that connects there becomes its own peer. Prints what clients of two Services get,
 * of which one has this endpoint only, and the other one a second endpoint too, by transport and protocol; and how many such sockets are left.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { InProcessDataPlane } from '../../../lib/dataplane/in-process.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import { exchange } from '../pods/tcp-pod.js'
import { defaultPlaneOptions, makeListenerPlan, makeListenerSpec } from './plane-under-test.js'

const CLOSED = { ip: '127.0.0.1', port: 30080 }
const POD = { ip: '127.0.0.1', port: 20000 }
const TRANSPORTS = {
  'fast path': { transport: new TcpHandleTransport(), udpTransport: new UdpHandleTransport() },
  'public path': { transport: new NetTransport(), udpTransport: new DgramTransport() },
}

const server = createServer(socket => void socket.on('error', () => undefined).end('pod')).listen(POD.port, POD.ip)
await once(server, 'listening')
const udpServer = createSocket('udp4', (_, { port, address }) => udpServer.send('pod', port, address)).bind(
  POD.port,
  POD.ip,
)
await once(udpServer, 'listening')
writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', `${CLOSED.port} ${CLOSED.port}`)

const outcomes: Record<string, unknown> = {}
// A client that has only one port cannot connect to a listener again within a minute.
let nextPort = 20001
for (const [path, transports] of Object.entries(TRANSPORTS)) {
  const plane = new InProcessDataPlane({ ...defaultPlaneOptions, ...transports })
  const specs = (['TCP', 'UDP'] as const).flatMap((protocol, index) =>
    [[CLOSED], [CLOSED, POD]].map((endpoints, more) =>
      makeListenerSpec({
        key: `${protocol} ${endpoints.length}`,
        protocol,
        port: nextPort + 2 * index + more,
        endpoints,
      }),
    ),
  )
  const { failed } = await plane.apply(makeListenerPlan(...specs))
  for (const failure of failed.values()) throw failure
  const answers = {
    TCP: [await askTcp(nextPort++), await askTcp(nextPort++)],
    UDP: [await askUdp(nextPort++), await askUdp(nextPort++)],
  }
  await plane.drain(0)
  outcomes[path] = { ...answers, ownSockets: countOwnSockets() }
}
process.stdout.write(JSON.stringify(outcomes))
process.exit()

async function askTcp(port: number): Promise<string> {
  const { received, error } = await exchange(port, Buffer.from('question'))
  return error ?? String(received)
}

/** How many TCP sockets are their own peers. */
function countOwnSockets(): number {
  const lines = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1)
  return lines.map(line => line.trim().split(/\s+/)).filter(([, local, remote]) => local === remote).length
}

/** Sends until an answer comes, five times at most. */
async function askUdp(port: number): Promise<string> {
  const client = createSocket('udp4').bind(20010, '127.0.0.1')
  await once(client, 'listening')
  let answer = 'nothing'
  client.once('message', message => (answer = String(message)))
  for (let attempt = 0; attempt < 5 && answer === 'nothing'; attempt++) {
    client.send('question', port, '127.0.0.1')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  client.close()
  await once(client, 'close')
  return answer
}

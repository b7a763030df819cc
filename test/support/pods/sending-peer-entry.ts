/**
 * Entry: `sending-peer-entry.js`, TCP peers that do what lines of the standard input say, and print a line for each when it is done. Each peer
 * has a number: `listen N` prints a port; `connect N ADDRESS PORT`; `send N BYTES`; `finish N` ends the direction of the peer.
 */
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const sockets = new Map<string, Socket>()

function keep(number: string, socket: Socket): void {
  sockets.set(
    number,
    socket.on('error', () => undefined),
  )
}

async function follow(line: string): Promise<string | number> {
  const [command, number, ...rest] = line.split(' ') as [string, string, ...string[]]
  switch (command) {
    case 'listen': {
      const server = createServer({ allowHalfOpen: true }, socket => keep(number, socket)).listen(0)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }
    case 'connect': {
      const socket = connect({ host: rest[0]!, port: Number(rest[1]), allowHalfOpen: true })
      keep(number, socket)
      await once(socket, 'connect')
      return 'connected'
    }
    case 'send': {
      await new Promise<void>(resolve => sockets.get(number)!.write(Buffer.alloc(Number(rest[0])), () => resolve()))
      return 'sent'
    }
    default:
      sockets.get(number)!.end()
      return 'finished'
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${await follow(line)}\n`)

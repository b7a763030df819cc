/**
 * Entry of a client that keeps its port, as some resolvers do. Reads one JSON command per line and sends a datagram from the one
 * socket of its family. Writes one JSON line when the answer has arrived or is too late, or at once if the command says not to wait.
 */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

interface SendCommand {
  readonly ip: string
  readonly port: number
  /** How long to wait for the answer, in milliseconds; null: no limit. */
  readonly limitMs: number | null
  readonly waits: boolean
}

async function bindSocket(type: 'udp4' | 'udp6', address: string): Promise<Socket> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.bind({ port: 5000, address })
  await once(socket, 'listening')
  return socket
}
const sockets = { IPv4: await bindSocket('udp4', '0.0.0.0'), IPv6: await bindSocket('udp6', '::') }

for await (const line of createInterface({ input: process.stdin })) {
  const { ip, port, waits, limitMs } = JSON.parse(line) as SendCommand
  const socket = sockets[ip.includes(':') ? 'IPv6' : 'IPv4']
  const limit = limitMs === null ? {} : { signal: AbortSignal.timeout(limitMs) }
  const answered = waits ? once(socket, 'message', limit).catch(() => undefined) : undefined
  socket.send('hello', port, ip)
  const answer = ((await answered) as [Buffer] | undefined)?.[0].toString() ?? ''
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

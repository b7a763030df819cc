/**
 * The part of `rules.ts` that runs in a Pod: on command, sends first packets or opens connections, and reports how
 * long each of them took.
 */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** A command, one JSON line each. */
export interface FirstPacketsCommand {
  readonly protocol: 'UDP' | 'TCP'
  readonly addresses: readonly string[]
  readonly port: number
  readonly count: number
}

/** Number of source ports; each sends its share of the packets, so that the cost of a socket does not matter. */
const SOURCE_PORTS = 400

async function openSockets(): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: SOURCE_PORTS }, async () => {
      // No DNS lookup: it would cost more than sending.
      const lookup = (ip: string, _: unknown, done: (error: null, ip: string, family: number) => void) =>
        done(null, ip, 4)
      const socket = createSocket({ type: 'udp4', lookup })
      socket.on('error', () => undefined)
      await new Promise<void>(resolve => socket.bind(0, resolve))
      return socket
    }),
  )
}

/** Sends packets, each from a new source port, or to an address that is new for this source port. */
async function sendFirstPackets({ addresses, port, count }: FirstPacketsCommand): Promise<number> {
  const from = await openSockets()
  const each = Math.min(addresses.length, Math.ceil(count / SOURCE_PORTS))
  const payload = Buffer.from('first')
  const targets = from.map(() => {
    const start = Math.floor(Math.random() * addresses.length)
    const step = addresses.length === 1 ? 1 : coprimeStep(addresses.length)
    return Array.from({ length: each }, (_, n) => addresses[(start + n * step) % addresses.length]!)
  })
  const startedAt = process.hrtime.bigint()
  await new Promise<void>(resolve => {
    let left = from.length * each
    const sent = (): void => void (--left === 0 && resolve())
    for (let n = 0; n < each; n++)
      for (const [i, socket] of from.entries()) socket.send(payload, port, targets[i]![n], sent)
  })
  const took = Number(process.hrtime.bigint() - startedAt)
  for (const socket of from) socket.close()
  return took / (from.length * each)
}

/** A step size that visits every address before it repeats. */
function coprimeStep(length: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  for (let step = Math.ceil(length * 0.618); ; step++) if (gcd(step, length) === 1) return step
}

/** Opens one connection after the other, each ended with a reset, so that none stays in TIME_WAIT. */
async function openConnections({ addresses, port, count }: FirstPacketsCommand): Promise<number> {
  const startedAt = process.hrtime.bigint()
  for (let n = 0; n < count; n++) {
    const socket = connect({ host: addresses[Math.floor(Math.random() * addresses.length)]!, port })
    await once(socket, 'connect')
    socket.resetAndDestroy()
  }
  return Number(process.hrtime.bigint() - startedAt) / count
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as FirstPacketsCommand
  const nanoseconds = command.protocol === 'UDP' ? await sendFirstPackets(command) : await openConnections(command)
  process.stdout.write(`${nanoseconds}\n`)
}

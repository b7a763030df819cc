import { once } from 'node:events'
import { connect } from 'node:net'

/** Microseconds until the connection was open. */
export interface ConnectTimes {
  readonly median: number
  readonly p99: number
}

/** Opens one after the other, each to a random address, ended with a reset so that none stays in TIME_WAIT. */
export async function measureConnects(ips: readonly string[], port: number, count: number): Promise<ConnectTimes> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const start = process.hrtime.bigint()
    const socket = connect({ host: ips[Math.floor(Math.random() * ips.length)]!, port })
    await once(socket, 'connect')
    times.push(Number(process.hrtime.bigint() - start) / 1000)
    socket.resetAndDestroy()
    await once(socket, 'close')
  }
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1]!, p99: times[Math.floor(times.length * 0.99)]! }
}

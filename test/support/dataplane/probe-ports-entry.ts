/**
 * Entry: `probe-ports-entry.js FIRST LAST`, for a network namespace whose kernel chooses ports from FIRST to LAST only. Probes both
 * transports of each protocol, then listens on each of these ports in turn. Prints those that it could not listen on.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { probeTcpTransport } from '../../../lib/dataplane/transport/probe-tcp-transport.js'
import { probeUdpTransport } from '../../../lib/dataplane/transport/probe-udp-transport.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'

const PROBE_TIMEOUT_MS = 20_000
const [first, last] = process.argv.slice(2).map(Number) as [number, number]

for (const transport of [new TcpHandleTransport(), new NetTransport()])
  await probeTcpTransport(transport, PROBE_TIMEOUT_MS)
for (const transport of [new UdpHandleTransport(), new DgramTransport()])
  await probeUdpTransport(transport, PROBE_TIMEOUT_MS)
const unavailable: string[] = []
for (let port = first; port <= last; port++) {
  const server = createServer().listen(port, '0.0.0.0')
  await once(server, 'listening').catch((error: unknown) => unavailable.push(`${port}: ${(error as Error).message}`))
  server.close()
}
process.stdout.write(JSON.stringify(unavailable))

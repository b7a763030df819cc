/**
 * Entry: `silent-neighbours-entry.js ADDRESS PEER SILENT…`, for a network namespace. On both UDP transports, a socket at the address sends
 * many datagrams to neighbours that do not answer ARP, and then one to a peer, until the peer has it. Prints for each transport how many
 * bytes waited in this process at most, how many datagrams were dropped, and how many bytes wait at the end.
 */
import { once } from 'node:events'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { createSocket } from 'node:dgram'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'

const ROUNDS = 40
const DATAGRAMS_PER_ROUND = 100
const TIMEOUT_MS = 60_000

const [address, peer, ...silent] = process.argv.slice(2) as [string, string, ...string[]]
const results = []
for (const transport of [new UdpHandleTransport(), new DgramTransport()]) {
  const receiver = createSocket('udp4').bind(0, peer)
  await once(receiver, 'listening')
  const socket = await transport.bind(
    { address, port: 0, bufferBytes: 64 * 1024 },
    { onMessage: () => undefined, onError: () => undefined },
  )
  const waiting = () => transport.sendQueue.pool.counts().used
  let most = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < DATAGRAMS_PER_ROUND; n++)
      socket.sendTo(Buffer.alloc(1400), { address: silent[n % silent.length]!, port: 9 })
    most = Math.max(most, waiting())
    await nextTurn()
  }
  const received = once(receiver, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  let isReceived = false
  void received.then(() => (isReceived = true))
  while (!isReceived) {
    socket.sendTo(Buffer.from('x'), { address: peer, port: receiver.address().port })
    await delay(50)
  }
  while (waiting() > 0) await delay(50)
  results.push({ most, dropped: transport.sendQueue.pool.counts().shed, left: waiting() })
  // Closed while datagrams wait: they are no longer counted.
  for (let n = 0; n < 2000; n++) socket.sendTo(Buffer.alloc(1400), { address: silent[n % silent.length]!, port: 9 })
  socket.close()
  while (waiting() > 0) await delay(50)
  receiver.close()
}
process.stdout.write(JSON.stringify(results))

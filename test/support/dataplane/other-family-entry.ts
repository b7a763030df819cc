/**
 * Entry: `other-family-entry.js FAST_PATH`, for a network namespace with few source ports. Takes all of them for IPv4, then connects
 * a socket to an endpoint with IPv6. Prints how many ports it took, and what became of the socket.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chooseTransports } from '../../../lib/dataplane/transport/choose-transports.js'
import { silentLog } from './plane-under-test.js'

const { udpTransport } = await chooseTransports(process.argv[2] as 'auto' | 'off', silentLog)

async function takesPort(): Promise<boolean> {
  try {
    await once(createSocket('udp4').bind(0), 'listening')
    return true
  } catch {
    return false
  }
}

let taken = 0
while (await takesPort()) taken++
const result = await new Promise<string>(resolve =>
  udpTransport.connect(
    { ip: '::1', port: 9 },
    {
      onConnect: () => resolve('connected'),
      onMessage: () => undefined,
      onError: ({ message }) => resolve(message),
    },
  ),
)
process.stdout.write(JSON.stringify({ taken, result }), () => process.exit())

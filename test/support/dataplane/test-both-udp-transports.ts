import t, { type Test } from 'tap'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import { type UdpTransport } from '../../../lib/dataplane/transport/udp-transport.js'

const TRANSPORTS: readonly (readonly [string, UdpTransport])[] = [
  ['fast path', new UdpHandleTransport()],
  ['public path', new DgramTransport()],
]

/** Runs a test with both UDP transports: clients must not see a difference. */
export function testBothTransports(
  name: string,
  body: (t: Test, udpTransport: UdpTransport) => Promise<void>,
  /** The reason to skip the test, or false. */
  skip: string | false = false,
): void {
  for (const [way, udpTransport] of TRANSPORTS) t.test(`${name} (${way})`, { skip }, t => body(t, udpTransport))
}

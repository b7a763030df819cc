import t, { type Test } from 'tap'
import { DgramTransport } from '../../lib/dataplane/dgram-transport.js'
import { UdpHandleTransport } from '../../lib/dataplane/udp-handle-transport.js'
import { type UdpTransport } from '../../lib/dataplane/udp-transport.js'

const WAYS: readonly (readonly [string, UdpTransport])[] = [
  ['fast path', new UdpHandleTransport()],
  ['public path', new DgramTransport()],
]

/** Nobody shall be able to tell which way UDP is done: a test of both ways. */
export function testBothWays(
  name: string,
  body: (t: Test, udpTransport: UdpTransport) => Promise<void>,
  /** Why it cannot be tested, or false. */
  skip: string | false = false,
): void {
  for (const [way, udpTransport] of WAYS) t.test(`${name} (${way})`, { skip }, t => body(t, udpTransport))
}

import t, { type Test } from 'tap'
import { HandleTransport } from '../../lib/dataplane/handle-transport.js'
import { NetTransport } from '../../lib/dataplane/net-transport.js'
import { type TcpTransport } from '../../lib/dataplane/tcp-transport.js'

const WAYS: readonly (readonly [string, TcpTransport])[] = [
  ['fast path', new HandleTransport()],
  ['public path', new NetTransport()],
]

/** Nobody shall be able to tell which way TCP is done: a test of both ways. */
export function testBothWays(
  name: string,
  body: (t: Test, transport: TcpTransport) => Promise<void>,
  /** Why it cannot be tested, or false. */
  skip: string | false = false,
): void {
  for (const [way, transport] of WAYS) t.test(`${name} (${way})`, { skip }, t => body(t, transport))
}

import t, { type Test } from 'tap'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'

const TRANSPORTS: readonly (readonly [string, TcpTransport])[] = [
  ['fast path', new TcpHandleTransport()],
  ['public path', new NetTransport()],
]

/** Nobody shall be able to tell which way TCP is done: a test of both ways. */
export function testBothTransports(
  name: string,
  body: (t: Test, transport: TcpTransport) => Promise<void>,
  /** Why it cannot be tested, or false. */
  skip: string | false = false,
): void {
  for (const [way, transport] of TRANSPORTS) t.test(`${name} (${way})`, { skip }, t => body(t, transport))
}

import t, { type Test } from 'tap'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'

const TRANSPORTS: readonly (readonly [string, TcpTransport])[] = [
  ['fast path', new TcpHandleTransport()],
  ['public path', new NetTransport()],
]

/** Runs a test with both TCP transports: clients must not see a difference. */
export function testBothTransports(
  name: string,
  body: (t: Test, transport: TcpTransport) => Promise<void>,
  /** The reason to skip the test, or false. */
  skip: string | false = false,
): void {
  for (const [way, transport] of TRANSPORTS) t.test(`${name} (${way})`, { skip }, t => body(t, transport))
}

import { type NodePortPlace } from '../../../lib/modes/userspace/node-port-listeners.js'

/** A node with two addresses that serves node ports at all of them and on loopback; the test gives what matters. */
export function makeNodePortPlace(given: Partial<NodePortPlace> = {}): NodePortPlace {
  return {
    nodeAddress: '192.168.50.1',
    served: undefined,
    nodeAddresses: () => ['192.168.50.1', '192.168.51.1'],
    isOnLoopback: true,
    splitKeys: new Set(),
    isProxyPort: () => false,
    ...given,
  }
}

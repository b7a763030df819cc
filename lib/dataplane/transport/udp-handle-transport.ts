import { type Target } from '../../balancer/balancer.js'
import { SendQueue } from './send-queue.js'
import { UdpHandle } from './udp-handle.js'
import { type UdpBindOptions, type UdpConnector, type UdpTransport, type UdpSocketEvents } from './udp-transport.js'

/** UDP with Node.js's internal UDP handles: the fast path. */
export class UdpHandleTransport implements UdpTransport {
  readonly sendQueue = new SendQueue()

  bind(options: UdpBindOptions, events: UdpSocketEvents): Promise<UdpHandle> {
    return new Promise(resolve => resolve(UdpHandle.bind(options, events, this.sendQueue)))
  }

  connect({ ip, port }: Target, connector: UdpConnector): UdpHandle {
    return UdpHandle.connect(ip, port, connector, this.sendQueue)
  }
}

import { type BindOptions, createSocket } from 'node:dgram'
import { type Target } from '../../balancer/balancer.js'
import { type IpAddress, familyOf } from '../../model/address.js'
import { DgramSocket } from './dgram-socket.js'
import { SendQueue } from './send-queue.js'
import { type UdpBindOptions, type UdpConnector, type UdpTransport, type UdpSocketEvents } from './udp-transport.js'

/** UDP with Node.js's public API. */
export class DgramTransport implements UdpTransport {
  readonly sendQueue = new SendQueue()

  bind({ bound, address, port, bufferBytes }: UdpBindOptions, events: UdpSocketEvents): Promise<DgramSocket> {
    return new Promise((resolve, reject) => {
      const inner = createUdpSocket(address)
      const fail = (error: Error): void => {
        inner.close()
        reject(error)
      }
      inner.once('error', fail)
      const onListening = (): void => {
        inner.removeListener('error', fail)
        inner.setRecvBufferSize(bufferBytes)
        inner.setSendBufferSize(bufferBytes)
        resolve(new DgramSocket(inner, events, this.sendQueue))
      }
      if (bound === undefined) inner.bind({ address, port, exclusive: true }, onListening)
      // Node.js accepts a bare handle instead of options, as `child_process` needs, but does not document it.
      else inner.bind(('fd' in bound ? { fd: bound.fd, exclusive: true } : bound._handle) as BindOptions, onListening)
    })
  }

  connect({ ip, port }: Target, connector: UdpConnector): DgramSocket {
    const inner = createUdpSocket(ip)
    const socket = new DgramSocket(inner, connector, this.sendQueue)
    socket.connect(ip, port, connector)
    return socket
  }
}

/**
 * A UDP socket of the address's family that never uses DNS. Addresses here are always numeric, and the default look-up would
 * delay every first send to a later turn of the event loop.
 */
function createUdpSocket(address: IpAddress): ReturnType<typeof createSocket> {
  const family = familyOf(address)
  return createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    lookup: (host, _options, done) => done(null, host, family === 'IPv4' ? 4 : 6),
  })
}

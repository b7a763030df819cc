import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import { unusedAddress } from './unused-address.js'

/** A real UDP server on loopback in place of a Pod: answers each datagram with its name and the received text. */
export class UdpPod {
  readonly received: { text: string; from: RemoteInfo }[] = []
  readonly socket: Socket = createSocket('udp4')

  static async start(t: Test, name: string, answer = (text: string) => `${name} ${text}`, port = 0): Promise<UdpPod> {
    const pod = new UdpPod()
    pod.socket.on('message', (datagram, from) => {
      pod.received.push({ text: datagram.toString(), from })
      pod.socket.send(answer(datagram.toString()), from.port, from.address)
    })
    pod.socket.bind(port, '127.0.0.1')
    await once(pod.socket, 'listening')
    t.teardown(() => pod.stop())
    return pod
  }

  get endpoint() {
    return { ip: '127.0.0.1', port: this.socket.address().port }
  }

  stop(): void {
    try {
      this.socket.close()
    } catch {
      // It is stopped already.
    }
  }
}

/** A client with its own address. Its socket is connected, so it receives only from its target. */
export async function openUdpClient(t: Test, port: number, localPort = 0, localAddress = '127.0.0.1') {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
  socket.on('error', () => undefined)
  socket.bind(localPort, localAddress)
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let open = true
  const close = () => open && ((open = false), socket.close())
  t.teardown(close)
  return {
    port: socket.address().port,
    close,
    send: (data: string | Buffer) => socket.send(data),
    ask: async (data: string | Buffer) => {
      socket.send(data)
      return String((await once(socket, 'message'))[0])
    },
    next: async () => String((await once(socket, 'message'))[0]),
  }
}

/** An endpoint whose port is closed: the kernel answers ICMP port unreachable. */
export async function refusingUdpEndpoint(ip = unusedAddress()) {
  const socket = createSocket('udp4').bind(0, ip)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return { ip, port }
}

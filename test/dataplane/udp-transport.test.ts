import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Target } from '../../lib/balancer/balancer.js'
import { DgramTransport } from '../../lib/dataplane/dgram-transport.js'
import { probeUdpTransport } from '../../lib/dataplane/probe-udp-transport.js'
import { UdpHandleTransport } from '../../lib/dataplane/udp-handle-transport.js'
import {
  type UdpBindOptions,
  type UdpConnector,
  type UdpPeer,
  type UdpSocket,
  type UdpTransport,
  type UdpUser,
} from '../../lib/dataplane/udp-transport.js'
import { systemCode } from '../../lib/model/failure.js'
import { until } from '../support/plane-under-test.js'
import { UdpPod, closedEndpoint, udpClient } from '../support/udp-pod.js'
import { testBothWays } from '../support/udp-ways.js'

const RECEIVE_BUFFER_BYTES = 1024 * 1024
const anyPort = { address: '127.0.0.1', port: 0, receiveBufferBytes: RECEIVE_BUFFER_BYTES }
const ignore = { connected: () => undefined, received: () => undefined, failed: () => undefined }

/** The public way, with one thing wrong. */
class Faulty implements UdpTransport {
  readonly #sound = new DgramTransport()

  bind(options: UdpBindOptions, user: UdpUser): Promise<UdpSocket> {
    return this.#sound.bind(options, user)
  }

  connect(target: Target, connector: UdpConnector): UdpSocket {
    return this.#sound.connect(target, connector)
  }
}

/** Receives through a bound socket by way of `change`. */
function receiving(change: (datagram: Buffer, from: UdpPeer) => [Buffer, UdpPeer]): UdpTransport {
  return new (class extends Faulty {
    override bind(options: UdpBindOptions, user: UdpUser): Promise<UdpSocket> {
      return super.bind(options, {
        received: (datagram, from) => user.received(...change(datagram, from)),
        failed: error => user.failed(error),
      })
    }
  })()
}

/** Connects by way of `change`. */
function connecting(change: (connector: UdpConnector) => UdpConnector): UdpTransport {
  return new (class extends Faulty {
    override connect(target: Target, connector: UdpConnector): UdpSocket {
      return super.connect(target, change(connector))
    }
  })()
}

const FAULTS: readonly (readonly [string, UdpTransport, RegExp])[] = [
  [
    'a byte that is not what it was',
    receiving((datagram, from) => {
      if (datagram.length === 5003) datagram[5000]! ^= 1
      return [datagram, from]
    }),
    /receive 5003 bytes: expected 5003 bytes/,
  ],
  [
    'a datagram that is cut short',
    receiving((datagram, from) => [datagram.subarray(0, 32_768), from]),
    /receive 65507 bytes: expected 65507 bytes, found 32768/,
  ],
  [
    'a sender that is somebody else',
    receiving((datagram, { address, port }) => [datagram, { address, port: port ^ 1 }]),
    /receive 0 bytes: sender: expected/,
  ],
  [
    'an empty datagram that is not told',
    connecting(connector => ({
      ...connector,
      received: (datagram, from) => datagram.length > 0 && connector.received(datagram, from),
    })),
    /exchange 0 bytes: nothing happened for/,
  ],
  [
    'an end of our own that is not told',
    connecting(connector => ({ ...connector, connected: () => undefined })),
    /exchange 0 bytes: port of our own: expected 0, found/,
  ],
  [
    'a closed port that is not told',
    connecting(connector => ({ ...connector, failed: () => undefined })),
    /refusal: nothing happened for/,
  ],
  [
    'a close that leaves the port open',
    new (class extends Faulty {
      override async bind(options: UdpBindOptions, user: UdpUser): Promise<UdpSocket> {
        const socket = await super.bind(options, user)
        const close = socket.close.bind(socket)
        socket.close = () => void setTimeout(close, SILENCE_MS)
        return socket
      }
    })(),
    /close: nothing happened for/,
  ],
]

/** Longer than all that comes before on a busy machine. */
const SILENCE_MS = 3000

for (const [fault, transport, message] of FAULTS) {
  t.test(`the probe finds ${fault}`, async t => {
    const ms = message.source.includes('nothing happened') ? SILENCE_MS : 20_000
    await t.rejects(probeUdpTransport(transport, ms), { message })
  })
}

testBothWays('a transport that works passes the probe, and nothing of it is left open', async (t, transport) => {
  await probeUdpTransport(transport, 10_000)
  const openUdp = () => process.getActiveResourcesInfo().filter(name => name.startsWith('UDP')).length
  await until(() => openUdp() === 0, 'its sockets are closed')
  t.pass()
})

testBothWays('that a port is closed is told, however many are sent at once', async (t, transport) => {
  const target = await closedEndpoint()
  // The kernel tells it once, to whoever asks first: the next send, or the next look for a datagram.
  for (const count of [1, 2, 3, 4]) {
    let socket: UdpSocket | undefined
    const error = await new Promise<Error>(failed => {
      socket = transport.connect(target, { ...ignore, failed })
      for (let sent = 0; sent < count; sent++) socket.send(Buffer.from('x'))
    })
    t.equal(systemCode(error), 'ECONNREFUSED', `${count} datagrams`)
    socket!.close()
  }
})

testBothWays('a datagram that is too long is told, and the socket goes on', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const heard: string[] = []
  const socket = transport.connect(pod.endpoint, {
    ...ignore,
    received: datagram => void heard.push(datagram.toString()),
    failed: error => void heard.push(systemCode(error) ?? error.message),
  })
  t.teardown(() => socket.close())
  socket.send(Buffer.alloc(65_508))
  t.same(heard, [], 'not before the call returns')
  await until(() => heard.length === 1, 'it is told')
  socket.send(Buffer.from('x'))
  await until(() => heard.length === 2, 'there is an answer')
  t.same(heard, ['EMSGSIZE', 'pod x'])
})

testBothWays('nothing is heard of a socket that is closed, nor sent from it', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const dead = await closedEndpoint()
  const heard: unknown[] = []
  const hear = { ...ignore, received: () => heard.push('received'), failed: (error: Error) => heard.push(error) }
  for (const target of [pod.endpoint, dead]) {
    const socket = transport.connect(target, hear)
    socket.send(Buffer.from('before'))
    socket.send(Buffer.from('before'))
    socket.close()
    socket.close()
    socket.send(Buffer.from('after'))
    socket.sendTo(Buffer.from('after'), { address: target.ip, port: target.port })
  }
  const client = await udpClient(t, pod.endpoint.port)
  t.equal(await client.ask('last'), 'pod last')
  t.notOk(pod.seen.some(({ text }) => text === 'after'))
  t.same(heard, [])
})

testBothWays('a port that is taken is told with the code of the system', async (t, transport) => {
  const first = await transport.bind(anyPort, ignore)
  t.teardown(() => first.close())
  await t.rejects(transport.bind({ ...anyPort, port: first.port }, ignore), { code: 'EADDRINUSE' })
})

testBothWays('IPv6 works alike', async (t, transport) => {
  const echo: UdpSocket = await transport.bind(
    { ...anyPort, address: '::1' },
    { ...ignore, received: (datagram, from) => echo.sendTo(datagram, from) },
  )
  t.teardown(() => echo.close())
  const socket = await new Promise<UdpSocket>(resolve => {
    const opened = transport.connect(
      { ip: '::1', port: echo.port },
      { ...ignore, received: datagram => t.equal(datagram.toString(), 'x') && resolve(opened) },
    )
    opened.send(Buffer.from('x'))
  })
  socket.close()
})

t.test('a handle that is not one of UDP is refused, before anything is done with it', async t => {
  const bound = { _handle: { close: () => undefined } }
  await t.rejects(new UdpHandleTransport().bind({ ...anyPort, bound }, ignore), { message: /no UDP socket/ })
})

testBothWays('what goes wrong with one socket is told to that one only', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const told: string[] = []
  const open = (name: string, target: Target) =>
    transport.connect(target, { ...ignore, failed: error => void told.push(`${name} ${systemCode(error)}`) })
  const dead = open('dead', await closedEndpoint())
  const live = open('live', pod.endpoint)
  t.teardown(() => (dead.close(), live.close()))
  for (const socket of [dead, dead, live]) socket.send(Buffer.from('x'))
  await until(() => told.length > 0 && pod.seen.length > 0, 'both have heard')
  t.same(told, ['dead ECONNREFUSED'])
})

if (!process.execArgv.includes('--test-udp-no-try-send')) {
  t.test('datagrams that the kernel does not take at once are sent later, by the same rules', async t => {
    // With this option of Node's own tests, every datagram goes the way of those that find the kernel's buffer full.
    for (const file of ['./udp.test.js', './udp-transport.test.js']) {
      await t.spawn(process.execPath, ['--test-udp-no-try-send', fileURLToPath(new URL(file, import.meta.url))], file)
    }
  })
}

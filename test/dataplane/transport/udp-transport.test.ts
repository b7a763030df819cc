import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Target } from '../../../lib/balancer/balancer.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { probeUdpTransport } from '../../../lib/dataplane/transport/probe-udp-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import {
  type UdpBindOptions,
  type UdpConnector,
  type UdpPeer,
  type UdpSocket,
  type UdpTransport,
  type UdpSocketEvents,
} from '../../../lib/dataplane/transport/udp-transport.js'
import { systemCode } from '../../../lib/model/failure.js'
import { waitUntil } from '../../support/dataplane/plane-under-test.js'
import { UdpPod, refusingUdpEndpoint, openUdpClient } from '../../support/pods/udp-pod.js'
import { testBothTransports } from '../../support/dataplane/test-both-udp-transports.js'

const RECEIVE_BUFFER_BYTES = 1024 * 1024
const anyPort = { address: '127.0.0.1', port: 0, bufferBytes: RECEIVE_BUFFER_BYTES }
const ignore = { onConnect: () => undefined, onMessage: () => undefined, onError: () => undefined }

/** The public transport with one fault. */
class FaultyUdpTransport implements UdpTransport {
  readonly #inner = new DgramTransport()
  readonly sendQueue = this.#inner.sendQueue

  bind(options: UdpBindOptions, user: UdpSocketEvents): Promise<UdpSocket> {
    return this.#inner.bind(options, user)
  }

  connect(target: Target, connector: UdpConnector): UdpSocket {
    return this.#inner.connect(target, connector)
  }
}

/** Changes the datagrams that a bound socket receives. */
function withReceive(change: (datagram: Buffer, from: UdpPeer) => [Buffer, UdpPeer]): UdpTransport {
  return new (class extends FaultyUdpTransport {
    override bind(options: UdpBindOptions, user: UdpSocketEvents): Promise<UdpSocket> {
      return super.bind(options, {
        onMessage: (datagram, from) => user.onMessage(...change(datagram, from)),
        onError: error => user.onError(error),
      })
    }
  })()
}

/** Changes the events of a connected socket. */
function withConnect(change: (connector: UdpConnector) => UdpConnector): UdpTransport {
  return new (class extends FaultyUdpTransport {
    override connect(target: Target, connector: UdpConnector): UdpSocket {
      return super.connect(target, change(connector))
    }
  })()
}

const FAULTS: readonly (readonly [string, UdpTransport, RegExp])[] = [
  [
    'a changed byte',
    withReceive((datagram, from) => {
      if (datagram.length === 5003) datagram[5000]! ^= 1
      return [datagram, from]
    }),
    /receive 5003 bytes: expected 5003 bytes/,
  ],
  [
    'a truncated datagram',
    withReceive((datagram, from) => [datagram.subarray(0, 32_768), from]),
    /receive 65507 bytes: expected 65507 bytes, found 32768/,
  ],
  [
    'a wrong sender',
    withReceive((datagram, { address, port }) => [datagram, { address, port: port ^ 1 }]),
    /receive 0 bytes: sender: expected/,
  ],
  [
    'an empty datagram that is not reported',
    withConnect(connector => ({
      ...connector,
      onMessage: (datagram, from) => datagram.length > 0 && connector.onMessage(datagram, from),
    })),
    /exchange 0 bytes: nothing happened for/,
  ],
  [
    'a local address that is not reported',
    withConnect(connector => ({ ...connector, onConnect: () => undefined })),
    /exchange 0 bytes: local port: expected 0, found/,
  ],
  [
    'a closed port that is not reported',
    withConnect(connector => ({ ...connector, onError: () => undefined })),
    /refusal: nothing happened for/,
  ],
  [
    'a close that leaves the port open',
    new (class extends FaultyUdpTransport {
      override async bind(options: UdpBindOptions, user: UdpSocketEvents): Promise<UdpSocket> {
        const socket = await super.bind(options, user)
        const close = socket.close.bind(socket)
        socket.close = () => void setTimeout(close, SILENCE_MS)
        return socket
      }
    })(),
    /close: nothing happened for/,
  ],
]

/** How long the probe of a silent fault takes: longer than all its other steps on a busy machine. */
const SILENCE_MS = 3000

for (const [fault, transport, message] of FAULTS) {
  t.test(`the probe finds ${fault}`, async t => {
    const ms = message.source.includes('nothing happened') ? SILENCE_MS : 20_000
    await t.rejects(probeUdpTransport(transport, ms), { message })
  })
}

testBothTransports('a transport that works passes the probe, which leaves no socket open', async (t, transport) => {
  await probeUdpTransport(transport, 10_000)
  const openUdp = () => process.getActiveResourcesInfo().filter(name => name.startsWith('UDP')).length
  await waitUntil(() => openUdp() === 0, 'the sockets are closed')
  t.pass()
})

testBothTransports('a closed port is reported, however many datagrams are sent at once', async (t, transport) => {
  const target = await refusingUdpEndpoint()
  // The kernel reports it once, to the next call: a send or a receive.
  for (const count of [1, 2, 3, 4]) {
    let socket: UdpSocket | undefined
    const error = await new Promise<Error>(failed => {
      socket = transport.connect(target, { ...ignore, onError: failed })
      for (let sent = 0; sent < count; sent++) socket.send(Buffer.from('x'))
    })
    t.equal(systemCode(error), 'ECONNREFUSED', `${count} datagrams`)
    socket!.close()
  }
})

testBothTransports('a datagram that is too long is reported, and the socket goes on', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const events: string[] = []
  const socket = transport.connect(pod.endpoint, {
    ...ignore,
    onMessage: datagram => void events.push(datagram.toString()),
    onError: error => void events.push(systemCode(error) ?? error.message),
  })
  t.teardown(() => socket.close())
  socket.send(Buffer.alloc(65_508))
  t.same(events, [], 'not before the call returns')
  await waitUntil(() => events.length === 1, 'the error is reported')
  socket.send(Buffer.from('x'))
  await waitUntil(() => events.length === 2, 'there is an answer')
  t.same(events, ['EMSGSIZE', 'pod x'])
})

testBothTransports('a closed socket makes no calls and sends nothing', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const dead = await refusingUdpEndpoint()
  const events: unknown[] = []
  const connector = {
    ...ignore,
    onMessage: () => void events.push('message'),
    onError: (error: Error) => void events.push(error),
  }
  for (const target of [pod.endpoint, dead]) {
    const socket = transport.connect(target, connector)
    socket.send(Buffer.from('before'))
    socket.send(Buffer.from('before'))
    socket.close()
    socket.close()
    socket.send(Buffer.from('after'))
    socket.sendTo(Buffer.from('after'), { address: target.ip, port: target.port })
  }
  const client = await openUdpClient(t, pod.endpoint.port)
  t.equal(await client.ask('last'), 'pod last')
  t.notOk(pod.received.some(({ text }) => text === 'after'))
  t.same(events, [])
})

testBothTransports('a port in use is reported with the code of the system', async (t, transport) => {
  const first = await transport.bind(anyPort, ignore)
  t.teardown(() => first.close())
  await t.rejects(transport.bind({ ...anyPort, port: first.port }, ignore), { code: 'EADDRINUSE' })
})

testBothTransports('IPv6 works in the same way', async (t, transport) => {
  const echo: UdpSocket = await transport.bind(
    { ...anyPort, address: '::1' },
    { ...ignore, onMessage: (datagram, from) => echo.sendTo(datagram, from) },
  )
  t.teardown(() => echo.close())
  const socket = await new Promise<UdpSocket>(resolve => {
    const opened = transport.connect(
      { ip: '::1', port: echo.port },
      { ...ignore, onMessage: datagram => t.equal(datagram.toString(), 'x') && resolve(opened) },
    )
    opened.send(Buffer.from('x'))
  })
  socket.close()
})

t.test('a handle that is not a UDP handle is refused before any use', async t => {
  const bound = { _handle: { close: () => undefined } }
  await t.rejects(new UdpHandleTransport().bind({ ...anyPort, bound }, ignore), { message: /not a UDP socket/ })
})

testBothTransports('an error of one socket is reported to that socket only', async (t, transport) => {
  const pod = await UdpPod.start(t, 'pod')
  const errors: string[] = []
  const open = (name: string, target: Target) =>
    transport.connect(target, { ...ignore, onError: error => void errors.push(`${name} ${systemCode(error)}`) })
  const dead = open('dead', await refusingUdpEndpoint())
  const live = open('live', pod.endpoint)
  t.teardown(() => (dead.close(), live.close()))
  for (const socket of [dead, dead, live]) socket.send(Buffer.from('x'))
  await waitUntil(() => errors.length > 0 && pod.received.length > 0, 'the error and the datagram have arrived')
  t.same(errors, ['dead ECONNREFUSED'])
})

if (!process.execArgv.includes('--test-udp-no-try-send')) {
  t.test('datagrams that the kernel does not take at once are sent later, with the same behaviour', async t => {
    // With this option of Node.js's own tests, every datagram is sent as if the kernel's buffer was full.
    for (const file of ['../udp/udp-proxy.test.js', './udp-transport.test.js']) {
      await t.spawn(process.execPath, ['--test-udp-no-try-send', fileURLToPath(new URL(file, import.meta.url))], file)
    }
  })
}

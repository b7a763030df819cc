import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { chooseTransports } from '../../../lib/dataplane/transport/choose-transports.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { probeTcpTransport } from '../../../lib/dataplane/transport/probe-tcp-transport.js'
import {
  type TcpConnector,
  type TcpServer,
  type TcpListenOptions,
  type TcpSocket,
  type TcpSplice,
  type TcpSpliceOwner,
  type TcpTransport,
} from '../../../lib/dataplane/transport/tcp-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import { type Target } from '../../../lib/balancer/balancer.js'
import { type NetSocket } from '../../../lib/dataplane/transport/net-socket.js'
import { type UdpConnector } from '../../../lib/dataplane/transport/udp-transport.js'
import { type Log, type LogFields } from '../../../lib/model/log.js'
import { silentLog, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-tcp-transports.js'
import { NodeNetwork, namespacesUnavailable } from '../../support/nodes/node-network.js'

/** The public transport with one fault. */
class FaultyTransport implements TcpTransport {
  readonly #inner = new NetTransport()

  listen(options: TcpListenOptions): Promise<TcpServer> {
    return this.#inner.listen(options)
  }

  connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
    return this.#inner.connect(target, keepAliveMs, connector)
  }

  splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): TcpSplice {
    return this.#inner.splice(client, endpoint, owner)
  }
}

type SpliceFactory = (client: NetSocket, endpoint: NetSocket, sound: () => TcpSplice) => TcpSplice

function withSplice(change: SpliceFactory): TcpTransport {
  return new (class extends FaultyTransport {
    override splice(client: TcpSocket, endpoint: TcpSocket, owner: TcpSpliceOwner): TcpSplice {
      return change(client as NetSocket, endpoint as NetSocket, () => super.splice(client, endpoint, owner))
    }
  })()
}

/** A splice that changes the bytes to the endpoint; `change` also gets the number of bytes before. */
function withChangedBytes(change: (chunk: Buffer, at: number) => Buffer): TcpTransport {
  return withSplice((_client, endpoint, sound) => {
    const { stream } = endpoint
    const write = (chunk: Buffer): boolean => Socket.prototype.write.call(stream, chunk)
    let at = 0
    stream.write = (chunk: Buffer) => {
      const changed = change(chunk, at)
      at += chunk.length
      return write(changed)
    }
    return sound()
  })
}

/** A transport that gives another answer about the peers of its clients. */
function withCheckPeer(change: (sound: TcpSocket['checkPeer']) => TcpSocket['checkPeer']): TcpTransport {
  return new (class extends FaultyTransport {
    override listen(options: TcpListenOptions): Promise<TcpServer> {
      const onClient = (client: TcpSocket): void => {
        client.checkPeer = change(client.checkPeer.bind(client))
        options.onClient(client)
      }
      return super.listen({ ...options, onClient })
    }
  })()
}

const FAULTS: readonly (readonly [string, TcpTransport, RegExp])[] = [
  [
    'a changed byte',
    withChangedBytes((chunk, at) => {
      if (at > 0 && at < 200_000) chunk[0]! ^= 1
      return chunk
    }),
    /transfer: the bytes that arrived/,
  ],
  [
    'two pieces in the wrong order',
    withChangedBytes((chunk, at) => (at > 0 && at < 200_000 ? Buffer.from(chunk).reverse() : chunk)),
    /transfer: the bytes that arrived/,
  ],
  ['a lost byte', withChangedBytes((chunk, at) => (at > 0 && at < 200_000 ? chunk.subarray(1) : chunk)), /transfer: /],
  [
    'no back-pressure',
    withSplice((client, _endpoint, sound) => {
      client.stream.pause = () => client.stream
      return sound()
    }),
    /back-pressure: expected the sender to be held back/,
  ],
  [
    'an end that ends both directions',
    withSplice((client, endpoint, sound) => {
      client.stream.on('end', () => endpoint.stream.destroySoon())
      return sound()
    }),
    /half-close by the client: /,
  ],
  [
    'an end that is not reported',
    withSplice((_client, endpoint, sound) => {
      endpoint.stream.end = () => endpoint.stream
      return sound()
    }),
    /transfer: nothing happened for/,
  ],
  [
    'a reset that becomes an orderly end',
    withSplice((client, _endpoint, sound) => {
      client.reset = () => client.stream.end()
      return sound()
    }),
    /reset by the endpoint: /,
  ],
  [
    'a close that is not reported',
    withSplice((client, _endpoint, sound) => {
      const splice = sound()
      client.owner = { onClose: () => undefined }
      return splice
    }),
    /close: expected 6 sockets closed, found [0-5]/,
  ],
  ['a reset that is never noticed', withCheckPeer(() => () => undefined), /check of the peer, reset: reason: /],
  [
    'a connection that is taken for a dead one',
    withCheckPeer(() => onGone => onGone(true)),
    /check of the peer, reset: reason of a connection that is open: expected undefined, found reset/,
  ],
  [
    'a reset after an end that is taken for a mere reset',
    withCheckPeer(sound => onGone => sound(() => onGone(true))),
    /check of the peer, reset after an end: reason: expected reset after an end, found reset/,
  ],
  [
    'an endpoint that is never connected',
    new (class extends FaultyTransport {
      override connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
        return super.connect(target, keepAliveMs, {
          ...connector,
          onConnecting: () => undefined,
          onError: () => undefined,
          onClose: () => undefined,
          onConnect: () => undefined,
        })
      }
    })(),
    /connect: nothing happened for/,
  ],
]

testBothTransports('a transport that works passes the probe, and nothing of it is left open', async (t, transport) => {
  await probeTcpTransport(transport, 10_000)
  const openTcp = () => process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
  await waitUntil(() => openTcp() === 0, 'the sockets are closed')
  t.pass()
})

t.test('after the probes, every port can be listened on', { skip: namespacesUnavailable }, async t => {
  const { node } = await NodeNetwork.create(t)
  await node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=30080 30111'])
  const entry = fileURLToPath(new URL('../../support/dataplane/probe-ports-entry.js', import.meta.url))
  const command = ['-u', 'NODE_OPTIONS', process.execPath, entry, '30080', '30111']
  const { stdout, stderr } = await node.run('env', command)
  t.equal(stderr, '')
  t.strictSame(JSON.parse(stdout), [])
})

/** How long the probe of a silent fault takes: longer than all its other steps on a busy machine. */
const SILENCE_MS = 3000

for (const [fault, transport, message] of FAULTS) {
  t.test(`the probe finds ${fault}`, async t => {
    // A fault that is silent costs the whole time; all others are found as soon as the machine has time.
    const ms = message.source.includes('nothing happened') ? SILENCE_MS : 20_000
    await t.rejects(probeTcpTransport(transport, ms), { message })
  })
}

/** Never reports that an endpoint refuses. */
class NoRefusalTransport extends UdpHandleTransport {
  override connect(target: Target, connector: UdpConnector) {
    const { onConnect, onMessage } = connector
    return super.connect(target, { onConnect, onMessage, onError: () => undefined })
  }
}

/** A log that records its warnings. */
function recordingLog(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = []
  const warn = (message: string, fields: LogFields = {}): void =>
    void warnings.push(`${message}: ${String(fields['reason'])}`)
  return { log: { ...silentLog, warn }, warnings }
}

/** The fast path of both protocols, without faults. */
const fast = {
  nodeVersion: process.version,
  openTcp: () => Promise.resolve(new TcpHandleTransport()),
  openUdp: () => Promise.resolve(new UdpHandleTransport()),
}
const allFast = { transport: TcpHandleTransport, udpTransport: UdpHandleTransport }
const allPublic = { transport: NetTransport, udpTransport: DgramTransport }
const missingBinding = () => Promise.reject(new Error('No such binding: wrap'))

t.test('the fast path is used without a log line where it works', async t => {
  const { log, warnings } = recordingLog()
  t.match(await chooseTransports('auto', log), allFast)
  t.strictSame(warnings, [])
})

t.test('the public path is used without a log line when the setting is off', async t => {
  const { log, warnings } = recordingLog()
  const options = { ...fast, openTcp: missingBinding, openUdp: missingBinding }
  t.match(await chooseTransports('off', log, options), allPublic)
  t.strictSame(warnings, [])
})

t.test('the public path is used, and one log line has the reason, when the fast path is missing', async t => {
  for (const [options, ways, warning] of [
    [{ openTcp: missingBinding }, { ...allFast, transport: NetTransport }, /^TCP.*public API.*No such binding: wrap/],
    [
      { openUdp: missingBinding },
      { ...allFast, udpTransport: DgramTransport },
      /^UDP.*public API.*No such binding: wrap/,
    ],
  ] as const) {
    const { log, warnings } = recordingLog()
    t.match(await chooseTransports('auto', log, { ...fast, ...options }), ways)
    t.match(warnings, [warning])
    t.equal(warnings.length, 1)
  }
})

t.test('the public path is used, and one log line has the reason, when the fast path fails its probe', async t => {
  const lossy = withChangedBytes((chunk, at) => (at > 0 && at < 200_000 ? Buffer.from(chunk).reverse() : chunk))
  const deaf = new NoRefusalTransport()
  for (const [options, ways, warning] of [
    [{ openTcp: () => Promise.resolve(lossy) }, { ...allFast, transport: NetTransport }, /^TCP.*transfer/],
    [{ openUdp: () => Promise.resolve(deaf) }, { ...allFast, udpTransport: DgramTransport }, /^UDP.*refusal/],
  ] as const) {
    const { log, warnings } = recordingLog()
    t.match(await chooseTransports('auto', log, { ...fast, ...options }), ways)
    t.match(warnings, [warning])
    t.equal(warnings.length, 1)
  }
})

for (const nodeVersion of ['v18.20.0', 'v19.0.0', 'v27.0.0', 'v120.1.0', 'nightly']) {
  t.test(`the fast path is not even loaded with Node.js ${nodeVersion}`, async t => {
    const { log, warnings } = recordingLog()
    let isOpened = false
    const opened = <T>(way: T) => {
      isOpened = true
      return Promise.resolve(way)
    }
    const openTcp = () => opened(new TcpHandleTransport())
    const openUdp = () => opened(new UdpHandleTransport())
    t.match(await chooseTransports('auto', log, { nodeVersion, openTcp, openUdp }), allPublic)
    t.equal(isOpened, false)
    t.match(warnings, [new RegExp(`20 to 26, this is ${nodeVersion}`)])
  })
}

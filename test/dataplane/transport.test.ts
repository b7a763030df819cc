import { Socket } from 'node:net'
import t from 'tap'
import { chooseTransport } from '../../lib/dataplane/choose-transport.js'
import { HandleTransport } from '../../lib/dataplane/handle-transport.js'
import { NetTransport } from '../../lib/dataplane/net-transport.js'
import { probeTransport } from '../../lib/dataplane/probe-transport.js'
import {
  type TcpConnector,
  type TcpDoor,
  type TcpDoorOptions,
  type TcpSocket,
  type TcpSplice,
  type TcpTransport,
} from '../../lib/dataplane/tcp-transport.js'
import { type HalfClosedLimit } from '../../lib/dataplane/half-closed-limit.js'
import { type Target } from '../../lib/balancer/balancer.js'
import { type NetSocket } from '../../lib/dataplane/net-socket.js'
import { type Log, type LogFields } from '../../lib/model/log.js'
import { silentLog, until } from '../support/plane-under-test.js'
import { testBothWays } from '../support/tcp-ways.js'

/** The public way, with one thing wrong. */
class Faulty implements TcpTransport {
  readonly #sound = new NetTransport()

  listen(options: TcpDoorOptions): Promise<TcpDoor> {
    return this.#sound.listen(options)
  }

  connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
    return this.#sound.connect(target, keepAliveMs, connector)
  }

  splice(client: TcpSocket, endpoint: TcpSocket, limit: HalfClosedLimit): TcpSplice {
    return this.#sound.splice(client, endpoint, limit)
  }
}

type Splicing = (client: NetSocket, endpoint: NetSocket, sound: () => TcpSplice) => TcpSplice

function splicing(change: Splicing): TcpTransport {
  return new (class extends Faulty {
    override splice(client: TcpSocket, endpoint: TcpSocket, limit: HalfClosedLimit): TcpSplice {
      return change(client as NetSocket, endpoint as NetSocket, () => super.splice(client, endpoint, limit))
    }
  })()
}

/** A splice whose bytes to the endpoint go by way of `change`, which is told how many came before. */
function changing(change: (chunk: Buffer, at: number) => Buffer): TcpTransport {
  return splicing((_client, endpoint, sound) => {
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

const FAULTS: readonly (readonly [string, TcpTransport, RegExp])[] = [
  [
    'a byte that is not what it was',
    changing((chunk, at) => {
      if (at > 0 && at < 200_000) chunk[0]! ^= 1
      return chunk
    }),
    /transfer: the bytes that arrived/,
  ],
  [
    'two pieces in the wrong order',
    changing((chunk, at) => (at > 0 && at < 200_000 ? Buffer.from(chunk).reverse() : chunk)),
    /transfer: the bytes that arrived/,
  ],
  ['a byte that is lost', changing((chunk, at) => (at > 0 && at < 200_000 ? chunk.subarray(1) : chunk)), /transfer: /],
  [
    'no back-pressure',
    splicing((client, _endpoint, sound) => {
      client.stream.pause = () => client.stream
      return sound()
    }),
    /back-pressure: expected the sender to be held back/,
  ],
  [
    'an end that ends both directions',
    splicing((client, endpoint, sound) => {
      client.stream.on('end', () => endpoint.stream.destroySoon())
      return sound()
    }),
    /half-close: bytes at the client: expected 65521, found 0|half-close: |transfer: /,
  ],
  [
    'an end that is not told',
    splicing((_client, endpoint, sound) => {
      endpoint.stream.end = () => endpoint.stream
      return sound()
    }),
    /transfer: nothing happened for/,
  ],
  [
    'a reset that becomes an orderly end',
    splicing((client, _endpoint, sound) => {
      client.reset = () => client.stream.end()
      return sound()
    }),
    /reset by the endpoint: /,
  ],
  [
    'a close that is not told',
    splicing((client, _endpoint, sound) => {
      const splice = sound()
      client.owner = { closed: () => undefined }
      return splice
    }),
    /close: expected 6 sockets closed, found [0-5]/,
  ],
  [
    'an endpoint that never is connected',
    new (class extends Faulty {
      override connect(target: Target, keepAliveMs: number, connector: TcpConnector): TcpSocket {
        return super.connect(target, keepAliveMs, {
          ...connector,
          started: () => undefined,
          failed: () => undefined,
          closed: () => undefined,
          connected: () => undefined,
        })
      }
    })(),
    /connect: nothing happened for/,
  ],
]

testBothWays('a transport that works passes the probe, and nothing of it is left open', async (t, transport) => {
  await probeTransport(transport, 10_000)
  const openTcp = () => process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
  await until(() => openTcp() === 0, 'its sockets are closed')
  t.pass()
})

/** Longer than all that comes before on a busy machine. */
const SILENCE_MS = 3000

for (const [fault, transport, message] of FAULTS) {
  t.test(`the probe finds ${fault}`, async t => {
    // What never comes is waited for to the end; everything else is found as soon as the machine has time for it.
    const ms = message.source.includes('nothing happened') ? SILENCE_MS : 20_000
    await t.rejects(probeTransport(transport, ms), { message })
  })
}

/** A log that remembers its warnings. */
function recordingLog(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = []
  const warn = (message: string, fields: LogFields = {}): void =>
    void warnings.push(`${message}: ${String(fields.because)}`)
  return { log: { ...silentLog, warn }, warnings }
}

t.test('the fast path is taken where it works, without a word', async t => {
  const { log, warnings } = recordingLog()
  t.type(await chooseTransport('auto', log), HandleTransport)
  t.strictSame(warnings, [])
})

t.test('the public path is taken when that is asked for, without a word', async t => {
  const { log, warnings } = recordingLog()
  const open = () => Promise.reject(new Error('opened all the same'))
  t.type(await chooseTransport('off', log, { nodeVersion: process.version, open }), NetTransport)
  t.strictSame(warnings, [])
})

t.test('the public path is taken, and one line says why, when something is missing', async t => {
  const { log, warnings } = recordingLog()
  const open = () => Promise.reject(new Error('No such binding: tcp_wrap'))
  t.type(await chooseTransport('auto', log, { nodeVersion: process.version, open }), NetTransport)
  t.equal(warnings.length, 1)
  t.match(warnings[0], /public API.*No such binding: tcp_wrap/)
})

t.test('the public path is taken, and one line says why, when something behaves differently', async t => {
  const { log, warnings } = recordingLog()
  const lossy = changing((chunk, at) => (at > 0 && at < 200_000 ? Buffer.from(chunk).reverse() : chunk))
  const transport = await chooseTransport('auto', log, {
    nodeVersion: process.version,
    open: () => Promise.resolve(lossy),
  })
  t.type(transport, NetTransport)
  t.equal(warnings.length, 1)
  t.match(warnings[0], /transfer/)
})

for (const nodeVersion of ['v18.20.0', 'v19.0.0', 'v27.0.0', 'v120.1.0', 'nightly']) {
  t.test(`the fast path is not even opened with Node ${nodeVersion}`, async t => {
    const { log, warnings } = recordingLog()
    let isOpened = false
    const open = () => {
      isOpened = true
      return Promise.resolve(new HandleTransport())
    }
    t.type(await chooseTransport('auto', log, { nodeVersion, open }), NetTransport)
    t.equal(isOpened, false)
    t.match(warnings, [new RegExp(`20 to 26, this is ${nodeVersion}`)])
  })
}

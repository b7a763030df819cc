import { type Socket as UdpSocket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type BenchService } from '../code/testbed/bench-service.js'
import { echoOnce } from '../code/soak/client/echo-once.js'
import { EchoConnection } from '../code/soak/client/echo-connection.js'
import { UdpEchoClient } from '../code/soak/client/udp-echo-client.js'
import { TcpPod } from '../../test/support/pods/tcp-pod.js'

const REQUEST = Buffer.from('a request\n')

/** A Service `web` of which everything is served by one who answers like this. */
async function tcpService(t: Test, serve: (socket: Socket) => void): Promise<BenchService> {
  const { ip, port } = (await TcpPod.start(t, serve)).endpoint
  return { name: 'web', clusterIP: ip, port, protocol: 'TCP', targetPort: port, endpoints: [ip] }
}

async function udpService(t: Test, answer: (text: string, count: number) => string | undefined): Promise<BenchService> {
  const socket: UdpSocket = createSocket('udp4')
  let count = 0
  socket.on('message', (datagram, from) => {
    const text = answer(datagram.toString(), ++count)
    if (text !== undefined) socket.send(text, from.port, from.address)
  })
  await once(socket.bind(0, '127.0.0.1'), 'listening')
  t.teardown(() => socket.close())
  const { port } = socket.address()
  return { name: 'dns', clusterIP: '127.0.0.1', port, protocol: 'UDP', targetPort: port, endpoints: [] }
}

void t.test('A connection that is answered by the right Service, and gets back what it sent, is well', async t => {
  const service = await tcpService(t, socket => {
    socket.write('web 10.244.0.21\n')
    socket.pipe(socket)
  })
  t.equal(await echoOnce(service), '10.244.0.21')
  const connection = await EchoConnection.open(service)
  const piece = Buffer.alloc(300_000, 'xyz')
  await connection.echo(piece)
  await connection.echo(REQUEST)
  await connection.end()
})

void t.test('Every way in which a connection can go wrong is an error', async t => {
  const cases: readonly (readonly [what: RegExp, serve: (socket: Socket) => void])[] = [
    [/^answered by another Service$/, socket => void socket.write('other 10.244.0.21\n')],
    [/^answered by another Service$/, socket => void socket.write('web\n')],
    [/^closed early$/, socket => socket.end()],
    [/ECONNRESET/, socket => socket.resetAndDestroy()],
    [/^no answer within 100 ms$/, () => undefined],
    [
      /^something else came back$/,
      socket => {
        socket.write('web 10.244.0.21\n')
        socket.on('data', data => socket.write(data.toString().toUpperCase()))
      },
    ],
    [
      /^no answer within 100 ms$/,
      socket => {
        socket.write('web 10.244.0.21\n')
        socket.on('data', data => socket.write(data.subarray(1)))
      },
    ],
    [
      /^closed early$/,
      socket => {
        socket.write('web 10.244.0.21\n')
        socket.on('data', () => socket.end())
      },
    ],
    [
      /^does not end$/,
      socket => {
        socket.write('web 10.244.0.21\n')
        socket.on('data', data => socket.write(data))
      },
    ],
  ]
  for (const [message, serve] of cases)
    await t.rejects(echoOnce(await tcpService(t, serve), { timeoutMs: 100 }), { message }, String(message))
})

void t.test('A connection that breaks while nothing is asked is found broken by the next request', async t => {
  let accepted: Socket | undefined
  const service = await tcpService(t, socket => {
    accepted = socket
    socket.write('web 10.244.0.21\n')
    socket.pipe(socket)
  })
  const connection = await EchoConnection.open(service)
  await connection.echo(REQUEST)
  const closed = once(accepted!, 'close')
  accepted!.resetAndDestroy()
  await closed
  await t.rejects(connection.echo(REQUEST), { code: 'ECONNRESET' })
  connection.destroy()
})

void t.test('A datagram that is lost is sent again, and counted', async t => {
  const service = await udpService(t, (text, count) => (count === 1 ? undefined : `dns 10.244.0.21 ${text}`))
  const port = await UdpEchoClient.open(service)
  t.equal(await port.echo(), 1)
  t.equal(await port.echo(), 0)
  port.close()
})

void t.test(
  'Datagrams without an answer, with an answer of another Service, or refused by a closed port are errors',
  async t => {
    const silent = await UdpEchoClient.open(await udpService(t, () => undefined))
    await t.rejects(silent.echo(1), { message: 'no answer to 1 datagrams' })
    silent.close()
    const other = await UdpEchoClient.open(await udpService(t, text => `other 10.244.0.21 ${text}`))
    await t.rejects(other.echo(), { message: 'answered by another Service' })
    other.close()
    const changed = await UdpEchoClient.open(await udpService(t, text => `dns 10.244.0.21 ${text.toUpperCase()}`))
    await t.rejects(changed.echo(1), { message: 'no answer to 1 datagrams' })
    changed.close()
    const probe = createSocket('udp4')
    await once(probe.bind(0, '127.0.0.1'), 'listening')
    const { port } = probe.address()
    probe.close()
    await once(probe, 'close')
    const closed = await UdpEchoClient.open({ ...(await udpService(t, () => undefined)), port })
    await t.rejects(closed.echo(), { code: 'ECONNREFUSED' })
    closed.close()
  },
)

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { type Clock } from '../../../lib/model/clock.js'
import { FlowBudget } from '../../../lib/dataplane/udp/flow-budget.js'
import { MAX_EQUAL_DATAGRAMS, ReturningDatagrams } from '../../../lib/dataplane/udp/returning-datagrams.js'
import { UdpProxy } from '../../../lib/dataplane/udp/udp-proxy.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { testBothTransports } from '../../support/dataplane/test-both-udp-transports.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { RecordingLog } from '../../support/log/recording-log.js'

const FORWARDER = '127.0.0.2'

t.test('a datagram goes round when the same one comes a thousand times in a second', t => {
  const datagrams = new ReturningDatagrams()
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  for (let n = 0; n < MAX_EQUAL_DATAGRAMS; n++) t.notOk(datagrams.add('10.0.0.1', one, n))
  t.ok(datagrams.add('10.0.0.1', one, 999))
  t.notOk(datagrams.add('10.0.0.1', other, 999), 'another datagram')
  t.notOk(datagrams.add('10.0.0.2', one, 999), 'another client')
  t.notOk(datagrams.add('10.0.0.1', one, 1000), 'the next second')
  t.end()
})

t.test('very many different datagrams are not all counted, and pass', t => {
  const datagrams = new ReturningDatagrams()
  for (let n = 0; n < 5000; n++) t.notOk(datagrams.add('10.0.0.1', Buffer.from(String(n)), 0))
  for (let n = 0; n < 5 * MAX_EQUAL_DATAGRAMS; n++) t.notOk(datagrams.add('10.0.0.1', Buffer.from('late'), 0))
  t.end()
})

/** The node has no address that the proxy knows, and addresses on loopback are like any other. */
function ownClients(clock: Clock) {
  const create = (protocol: 'TCP' | 'UDP') =>
    new OwnClients(
      protocol,
      4096,
      clock,
      () => new Set(),
      () => false,
    )
  return { tcp: create('TCP'), udp: create('UDP') }
}

/** A program outside of the node that sends each datagram back to the Service, from one socket or from a new one each time. */
const FORWARDERS: readonly (readonly [string, (receiver: Socket) => Socket])[] = [
  ['from its only socket', receiver => receiver],
  ['from a new socket each time', () => createSocket('udp4').bind(0, FORWARDER)],
]

for (const [way, socketFor] of FORWARDERS)
  testBothTransports(`a datagram that a forwarder sends back ${way} ends`, async (t, udpTransport) => {
    const open = new Set<Socket>()
    let forwarded = 0
    let proxyPort = 0
    const receiver = createSocket('udp4').on('message', datagram => {
      forwarded++
      const socket = socketFor(receiver)
      open.add(socket)
      socket.send(datagram, proxyPort, '127.0.0.1')
    })
    receiver.bind(0, FORWARDER)
    open.add(receiver)
    await once(receiver, 'listening')
    const log = new RecordingLog()
    const clock = new ManualClock()
    const proxy = new UdpProxy(
      makeListenerSpec({ protocol: 'UDP', endpoints: [{ ip: FORWARDER, port: receiver.address().port }] }),
      makeListenerContext(new NetTransport(), {
        udpTransport,
        log,
        clock,
        ownClients: ownClients(clock),
        flowBudget: new FlowBudget(1000),
        descriptorBudget: new DescriptorBudget(10_000),
      }),
    )
    t.teardown(() => {
      proxy.abortConnections()
      for (const socket of open) socket.close()
    })
    proxyPort = await proxy.open()
    const client = createSocket('udp4')
    open.add(client)
    client.send('round and round', proxyPort, '127.0.0.1')
    await waitUntil(() => proxy.counts().refused === 1, 'the datagram is dropped')
    t.equal(forwarded, MAX_EQUAL_DATAGRAMS + 1)
    client.send('round and round', proxyPort, '127.0.0.1')
    await waitUntil(() => proxy.counts().refused === 2, 'so is the next one')
    t.equal(forwarded, MAX_EQUAL_DATAGRAMS + 2)
    t.equal(log.entries.filter(({ message }) => message.includes('goes round')).length, 1, 'reported once')
  })

testBothTransports(
  'a Pod that uses its own Service is answered, however often it asks the same',
  async (t, udpTransport) => {
    const pod = createSocket('udp4').on('message', (datagram, from) => pod.send(datagram, from.port, from.address))
    pod.bind(0, FORWARDER)
    await once(pod, 'listening')
    const clock = new ManualClock()
    const proxy = new UdpProxy(
      makeListenerSpec({ protocol: 'UDP', endpoints: [{ ip: FORWARDER, port: pod.address().port }] }),
      makeListenerContext(new NetTransport(), { udpTransport, clock, ownClients: ownClients(clock) }),
    )
    const client = createSocket('udp4').bind(0, FORWARDER)
    t.teardown(() => {
      proxy.abortConnections()
      for (const socket of [pod, client]) socket.close()
    })
    const port = await proxy.open()
    for (let n = 0; n < 3 * MAX_EQUAL_DATAGRAMS; n++) {
      client.send('ping', port, '127.0.0.1')
      await once(client, 'message')
    }
    t.equal(proxy.counts().refused, 0)
  },
)

testBothTransports(
  'any other client may send the same without an answer as often as it likes',
  async (t, udpTransport) => {
    let received = 0
    const pod = createSocket('udp4').on('message', () => received++)
    pod.bind(0, FORWARDER)
    await once(pod, 'listening')
    const clock = new ManualClock()
    const proxy = new UdpProxy(
      makeListenerSpec({ protocol: 'UDP', endpoints: [{ ip: FORWARDER, port: pod.address().port }] }),
      makeListenerContext(new NetTransport(), { udpTransport, clock, ownClients: ownClients(clock) }),
    )
    const client = createSocket('udp4').bind(0, '127.0.0.1')
    t.teardown(() => {
      proxy.abortConnections()
      for (const socket of [pod, client]) socket.close()
    })
    const port = await proxy.open()
    for (let n = 1; n <= 3 * MAX_EQUAL_DATAGRAMS; n++) {
      client.send('counter:1|c', port, '127.0.0.1')
      await waitUntil(() => received === n, 'the Pod has the datagram')
    }
    t.equal(proxy.counts().refused, 0)
  },
)

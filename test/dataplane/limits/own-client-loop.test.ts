import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { TcpProxy } from '../../../lib/dataplane/tcp/tcp-proxy.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import { FlowBudget } from '../../../lib/dataplane/udp/flow-budget.js'
import { UdpProxy } from '../../../lib/dataplane/udp/udp-proxy.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'

const LOOPBACK = '127.0.0.1'
/** A quarter of 80 files. */
const LIMIT = 20

/** Clients on loopback count as clients with an address of the node. */
function ownClients() {
  const create = (protocol: 'TCP' | 'UDP') => new OwnClients(protocol, 4 * LIMIT, realClock, () => new Set([LOOPBACK]))
  return { tcp: create('TCP'), udp: create('UDP') }
}

for (const [way, transport] of [
  ['fast path', new TcpHandleTransport()],
  ['public path', new NetTransport()],
] as const)
  t.test(`a connection that another program leads back to its Service ends (${way})`, async t => {
    let proxyPort = 0
    const forwarder = createServer(client => {
      const back = connect(proxyPort, LOOPBACK)
      client.on('error', () => back.destroy()).pipe(back)
      back.on('error', () => client.destroy()).pipe(client)
    }).listen(0, LOOPBACK)
    await once(forwarder, 'listening')
    const { port } = forwarder.address() as AddressInfo
    const proxy = new TcpProxy(
      makeListenerSpec({ endpoints: [{ ip: LOOPBACK, port }] }),
      makeListenerContext(transport, { ownClients: ownClients() }),
    )
    t.teardown(() => {
      proxy.close()
      proxy.abortConnections()
      forwarder.close()
    })
    proxyPort = await proxy.open()
    const client = connect(proxyPort, LOOPBACK).on('error', () => undefined)
    client.write('round and round')
    await once(client, 'close')
    await waitUntil(() => proxy.counts().active === 0, 'all connections have ended')
    const { connections, refused } = proxy.counts()
    t.strictSame({ connections, refused }, { connections: LIMIT, refused: 1 })
  })

for (const [way, udpTransport] of [
  ['fast path', new UdpHandleTransport()],
  ['public path', new DgramTransport()],
] as const)
  t.test(`a datagram that another program leads back to its Service ends (${way})`, async t => {
    let proxyPort = 0
    const back: Socket[] = []
    const forwarder = createSocket('udp4').on('message', datagram => {
      const socket = createSocket('udp4')
      back.push(socket)
      socket.send(datagram, proxyPort, LOOPBACK)
    })
    forwarder.bind(0, LOOPBACK)
    await once(forwarder, 'listening')
    const proxy = new UdpProxy(
      makeListenerSpec({ protocol: 'UDP', endpoints: [{ ip: LOOPBACK, port: forwarder.address().port }] }),
      makeListenerContext(new NetTransport(), {
        udpTransport,
        ownClients: ownClients(),
        flowBudget: new FlowBudget(1000),
        descriptorBudget: new DescriptorBudget(10_000),
      }),
    )
    t.teardown(() => {
      proxy.abortConnections()
      for (const socket of [forwarder, ...back]) socket.close()
    })
    proxyPort = await proxy.open()
    const client = createSocket('udp4')
    back.push(client)
    client.send('round and round', proxyPort, LOOPBACK)
    await waitUntil(() => proxy.counts().refused === 1, 'the last datagram is dropped')
    t.equal(proxy.counts().connections, LIMIT)
  })

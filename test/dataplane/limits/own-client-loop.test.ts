import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { DEFAULT_TIMINGS } from '../../../lib/dataplane/data-plane-timings.js'
import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DialBudget } from '../../../lib/dataplane/limits/dial-budget.js'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { ServiceLimits } from '../../../lib/dataplane/limits/service-limits.js'
import { TcpProxy } from '../../../lib/dataplane/tcp/tcp-proxy.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { NetTransport } from '../../../lib/dataplane/transport/net-transport.js'
import { TcpHandleTransport } from '../../../lib/dataplane/transport/tcp-handle-transport.js'
import { UdpHandleTransport } from '../../../lib/dataplane/transport/udp-handle-transport.js'
import { FlowBudget } from '../../../lib/dataplane/udp/flow-budget.js'
import { UdpProxy } from '../../../lib/dataplane/udp/udp-proxy.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { makeListenerContext } from '../../support/dataplane/make-listener-context.js'
import { makeListenerPlan, makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'

const LOOPBACK = '127.0.0.1'
/** A quarter of 80 files. */
const LIMIT = 20

/** Where the program is that leads back to the Service, and the addresses of the node as the proxy knows them. */
const PLACES = [
  { place: 'on the node', host: LOOPBACK, nodeAddresses: [LOOPBACK] },
  { place: "on the endpoint's host", host: '127.0.0.2', nodeAddresses: [] },
] as const

function ownClients(nodeAddresses: readonly string[]) {
  const create = (protocol: 'TCP' | 'UDP') =>
    new OwnClients(
      protocol,
      4 * LIMIT,
      realClock,
      () => new Set(nodeAddresses),
      () => false,
    )
  return { tcp: create('TCP'), udp: create('UDP') }
}

const TCP = [
  ['fast path', new TcpHandleTransport()],
  ['public path', new NetTransport()],
] as const
for (const [way, transport, { place, host, nodeAddresses }] of TCP.flatMap(([way, transport]) =>
  PLACES.map(place => [way, transport, place] as const),
))
  t.test(`a connection that another program ${place} leads back to its Service ends (${way})`, async t => {
    let proxyPort = 0
    const forwarder = createServer(client => {
      const back = connect({ port: proxyPort, host: LOOPBACK, localAddress: host })
      client.on('error', () => back.destroy()).pipe(back)
      back.on('error', () => client.destroy()).pipe(client)
    }).listen(0, host)
    await once(forwarder, 'listening')
    const { port } = forwarder.address() as AddressInfo
    const proxy = new TcpProxy(
      makeListenerSpec({ endpoints: [{ ip: host, port }] }),
      makeListenerContext(transport, { ownClients: ownClients(nodeAddresses) }),
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
    // The first client has no such address where the program is elsewhere.
    t.strictSame({ connections, refused }, { connections: LIMIT + (host === LOOPBACK ? 0 : 1), refused: 1 })
  })

for (const [way, transport] of TCP)
  t.test(`a connection that comes back from another address ends when descriptors run out (${way})`, async t => {
    let proxyPort = 0
    const forwarder = createServer(client => {
      const back = connect({ port: proxyPort, host: LOOPBACK, localAddress: '127.0.0.3' })
      client.on('error', () => back.destroy()).pipe(back)
      back.on('error', () => client.destroy()).pipe(client)
    }).listen(0, '127.0.0.2')
    await once(forwarder, 'listening')
    const { port } = forwarder.address() as AddressInfo
    const descriptorBudget = new DescriptorBudget(400)
    const proxy = new TcpProxy(
      makeListenerSpec({ endpoints: [{ ip: '127.0.0.2', port }] }),
      makeListenerContext(transport, {
        ownClients: ownClients([]),
        descriptorBudget,
        dialBudget: new DialBudget(descriptorBudget),
        timings: { ...DEFAULT_TIMINGS, queueTimeout: 50 },
      }),
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
    t.ok(connections <= 200, `${connections} connections`)
    t.equal(refused, 1, 'the last one ended all others')
  })

for (const [way, transport] of TCP)
  t.test(`clients of one Service give nothing back of what an endpoint's host has at another one (${way})`, async t => {
    // An endpoint of the first Service, and an ordinary client of the others.
    const host = '127.0.0.2'
    const pod = createServer(socket => socket.on('error', () => undefined).resume()).listen(0)
    await once(pod, 'listening')
    t.teardown(() => pod.close())
    const { port } = pod.address() as AddressInfo
    const serviceLimits = new ServiceLimits()
    const context = makeListenerContext(transport, { ownClients: ownClients([]), serviceLimits })
    const open = async (service: string, ip: string, maxConnections?: number) => {
      const spec = makeListenerSpec({
        service,
        key: `IPv4/default/${service}/TCP`,
        endpoints: [{ ip, port }],
        maxConnections,
      })
      const proxy = new TcpProxy(spec, context)
      t.teardown(() => {
        proxy.close()
        proxy.abortConnections()
      })
      return { spec, proxy, port: await proxy.open() }
    }
    const circle = await open('circle', host)
    const other = await open('other', LOOPBACK)
    const full = await open('full', LOOPBACK, 1)
    serviceLimits.apply(makeListenerPlan(full.spec), [])
    const client = (to: { readonly port: number }) => {
      const socket = connect({ port: to.port, host: LOOPBACK, localAddress: host }).on('error', () => undefined)
      t.teardown(() => socket.destroy())
      return socket
    }
    const enter = async (to: typeof circle, count: number) => {
      const { connections, refused } = to.proxy.counts()
      const sockets = Array.from({ length: count }, () => client(to))
      await waitUntil(() => {
        const now = to.proxy.counts()
        return now.connections + now.refused === connections + refused + count
      }, 'the proxy has decided about all clients')
      return sockets
    }
    await enter(circle, LIMIT)
    for (const socket of await enter(other, 5)) socket.destroy()
    await waitUntil(() => other.proxy.counts().active === 0, 'the clients of the other Service have ended')
    await enter(full, 5)
    await enter(circle, 5)
    t.match(full.proxy.counts(), { connections: 1, refused: 4 }, 'a Service at its limit')
    t.match(circle.proxy.counts(), { connections: LIMIT, active: LIMIT, refused: 5 })
    circle.proxy.abortConnections()
    await waitUntil(() => circle.proxy.counts().active === 0, 'the clients of the circle have ended')
    await enter(circle, LIMIT + 5)
    t.match(circle.proxy.counts(), { connections: 2 * LIMIT, refused: 10 }, 'its own end gives all back')
  })

const UDP = [
  ['fast path', new UdpHandleTransport()],
  ['public path', new DgramTransport()],
] as const
for (const [way, udpTransport, { place, host, nodeAddresses }] of UDP.flatMap(([way, transport]) =>
  PLACES.map(place => [way, transport, place] as const),
))
  t.test(`a datagram that another program ${place} changes and leads back to its Service ends (${way})`, async t => {
    let proxyPort = 0
    const back: Socket[] = []
    const forwarder = createSocket('udp4').on('message', datagram => {
      const socket = createSocket('udp4').bind(0, host)
      back.push(socket)
      socket.send(Buffer.concat([datagram, Buffer.from('!')]), proxyPort, LOOPBACK)
    })
    forwarder.bind(0, host)
    await once(forwarder, 'listening')
    const proxy = new UdpProxy(
      makeListenerSpec({ protocol: 'UDP', endpoints: [{ ip: host, port: forwarder.address().port }] }),
      makeListenerContext(new NetTransport(), {
        udpTransport,
        ownClients: ownClients(nodeAddresses),
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
    t.equal(proxy.counts().connections, LIMIT + (host === LOOPBACK ? 0 : 1))
  })

for (const [way, udpTransport] of UDP)
  t.test(`flows of one Service give nothing back of what an endpoint's host has at another one (${way})`, async t => {
    const host = '127.0.0.2'
    const pod = createSocket('udp4').bind(0)
    await once(pod, 'listening')
    const { port } = pod.address()
    const context = makeListenerContext(new NetTransport(), {
      udpTransport,
      ownClients: ownClients([]),
      flowBudget: new FlowBudget(1000),
    })
    const open = async (service: string, ip: string) => {
      const spec = { protocol: 'UDP', service, key: `IPv4/default/${service}/UDP`, endpoints: [{ ip, port }] } as const
      const proxy = new UdpProxy(makeListenerSpec(spec), context)
      return { proxy, port: await proxy.open() }
    }
    const circle = await open('circle', host)
    const other = await open('other', LOOPBACK)
    const clients: Socket[] = []
    t.teardown(() => {
      for (const { proxy } of [circle, other]) proxy.abortConnections()
      for (const socket of [pod, ...clients]) socket.close()
    })
    const enter = async (to: typeof circle, count: number) => {
      const { connections, refused } = to.proxy.counts()
      for (let n = 0; n < count; n++) {
        const socket = createSocket('udp4').bind(0, host)
        clients.push(socket)
        socket.send(`datagram ${n}`, to.port, LOOPBACK)
      }
      await waitUntil(() => {
        const now = to.proxy.counts()
        return now.connections + now.refused === connections + refused + count
      }, 'the proxy has decided about all clients')
    }
    await enter(circle, LIMIT)
    await enter(other, 5)
    other.proxy.abortConnections()
    await enter(circle, 5)
    t.match(other.proxy.counts(), { connections: 5, active: 0 })
    t.match(circle.proxy.counts(), { connections: LIMIT, active: LIMIT, refused: 5 })
  })

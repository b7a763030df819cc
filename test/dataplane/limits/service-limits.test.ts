import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { type ListenerSpec } from '../../../lib/dataplane/listener-plan.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import { PlaneUnderTest, makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { TcpPod } from '../../support/pods/tcp-pod.js'
import { UdpPod, refusingUdpEndpoint, openUdpClient } from '../../support/pods/udp-pod.js'

/** An echo server that keeps a connection open as long as its client does. */
function echoPod(t: Test): Promise<TcpPod> {
  return TcpPod.start(t, socket => void socket.pipe(socket))
}

/** Connects clients one after the other, which stay: `.` for one that is served, `x` for one that gets a reset. */
class ClientGroup {
  readonly served: { readonly address: string; echoes: () => Promise<boolean>; leave: () => void }[] = []
  readonly #t: Test

  constructor(t: Test) {
    this.#t = t
  }

  async connect(port: number, ...addresses: readonly string[]): Promise<string> {
    let answers = ''
    for (const address of addresses) answers += await this.#connectOne(port, address)
    return answers
  }

  /** Ends one connection of a client address. */
  disconnect(address: string): void {
    const index = this.served.findIndex(client => client.address === address)
    this.served.splice(index, 1)[0]!.leave()
  }

  async #connectOne(port: number, address: string): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: address })
    this.#t.teardown(() => socket.destroy())
    const answered = async (text: string) => {
      const answer = new Promise<boolean>(resolve => {
        socket.once('data', () => resolve(true))
        socket.once('error', () => resolve(false))
      })
      socket.write(text)
      return answer
    }
    if (!(await answered('hello'))) return 'x'
    this.served.push({ address, echoes: () => answered('still'), leave: () => socket.destroy() })
    return '.'
  }
}

const X = '127.0.0.2'
const Y = '127.0.0.3'
const Z = '127.0.0.4'

t.test('at the limit of a Service new clients are refused, and a connection that ends makes room', async t => {
  const pod = await echoPod(t)
  const plane = new PlaneUnderTest(t)
  const crowd = new ClientGroup(t)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], maxConnections: 3 }))
  t.equal(await crowd.connect(port!, X, Y, X, Z, X), '...xx')
  t.match(await plane.trafficCounts(), {
    connections: 3,
    active: 3,
    refused: 2,
    shedAtServiceLimit: 2,
    shedAtClientLimit: 0,
  })
  t.strictSame(await Promise.all(crowd.served.map(client => client.echoes())), [true, true, true])
  crowd.disconnect(X)
  await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'one connection has ended')
  t.equal(await crowd.connect(port!, Z, Z), '.x')
  for (const client of [X, Y, Z]) crowd.disconnect(client)
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'all connections have ended')
  t.equal(await crowd.connect(port!, X, X, X, X), '...x', 'earlier connections do not count')
})

t.test('a client at its own limit is refused, and other clients are served', async t => {
  const pod = await echoPod(t)
  const plane = new PlaneUnderTest(t)
  const crowd = new ClientGroup(t)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], maxConnectionsPerClient: 2 }))
  t.equal(await crowd.connect(port!, X, X, X, Y, Y, Y), '..x..x')
  t.match(await plane.trafficCounts(), { refused: 2, shedAtServiceLimit: 0, shedAtClientLimit: 2 })
  crowd.disconnect(X)
  await waitUntil(async () => (await plane.trafficCounts()).active === 3, 'one connection has ended')
  t.equal(await crowd.connect(port!, Y, X, X), 'x.x')
})

t.test('limits of open listeners can be set, changed and removed, and count open connections', async t => {
  const pod = await echoPod(t)
  const plane = new PlaneUnderTest(t)
  const crowd = new ClientGroup(t)
  const apply = (limits: Partial<ListenerSpec>) =>
    plane.apply(makeListenerSpec({ endpoints: [pod.endpoint], ...limits }))
  const [port] = await apply({})
  const isLimited = async () => (await plane.plane.counts()).listeners[0]!.limited
  t.notOk(await isLimited())
  t.equal(await crowd.connect(port!, X, X, X), '...')
  await apply({ maxConnectionsPerClient: 2 })
  t.equal(await crowd.connect(port!, X, Y), 'x.', 'X has three already')
  t.ok(await isLimited())
  crowd.disconnect(X)
  crowd.disconnect(X)
  await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'two connections have ended')
  t.equal(await crowd.connect(port!, X, X), '.x')
  await apply({ maxConnections: 3 })
  t.equal(await crowd.connect(port!, Z), 'x', 'three connections are open')
  await apply({})
  t.equal(await crowd.connect(port!, X, X, Z), '...')
  crowd.disconnect(Z)
  crowd.disconnect(Y)
  await waitUntil(async () => (await plane.trafficCounts()).active === 4, 'two have ended while there was no limit')
  await apply({ maxConnections: 5 })
  t.equal(await crowd.connect(port!, Z, Z), '.x')
  t.equal((await Promise.all(crowd.served.map(client => client.echoes()))).filter(echoes => echoes).length, 5)
})

t.test('a limit counts all listeners of its Service, also closed ones, and no other Services', async t => {
  const pod = await echoPod(t)
  const plane = new PlaneUnderTest(t)
  const crowd = new ClientGroup(t)
  const limited = { endpoints: [pod.endpoint], maxConnections: 2 }
  const http = makeListenerSpec({ ...limited, key: 'IPv4/default/web:http/TCP' })
  const local = makeListenerSpec({ ...limited, key: 'IPv4/default/web:http/TCP#local' })
  const other = makeListenerSpec({ ...limited, key: 'IPv4/default/other:http/TCP', service: 'other' })
  const namesake = makeListenerSpec({ ...limited, key: 'IPv4/elsewhere/web:http/TCP', namespace: 'elsewhere' })
  const [one, two, three, four] = await plane.apply(http, local, other, namesake)
  t.equal(await crowd.connect(one!, X), '.')
  t.equal(await crowd.connect(two!, X, X), '.x')
  t.equal(await crowd.connect(three!, X, X, X), '..x')
  t.equal(await crowd.connect(four!, X, X, X), '..x')
  await plane.apply(local)
  t.equal(await crowd.connect(two!, X), 'x', 'the open connection of the closed listener counts')
  await plane.apply({ ...local, maxConnections: undefined })
  await plane.apply(local)
  t.equal(await crowd.connect(two!, X), 'x', 'also after the limit was removed for a while')
  crowd.disconnect(X)
  await waitUntil(
    async () => (await plane.plane.counts()).descriptors.used === 11,
    'one listener and five connections are left',
  )
  t.equal(await crowd.connect(two!, X, X), '.x')
})

t.test('UDP flows count as connections, and a datagram that would exceed the limit is dropped', async t => {
  const pod = await UdpPod.start(t, 'pod')
  const clock = new ManualClock()
  const plane = new PlaneUnderTest(t, { clock }, { udpStreamTimeout: 50 })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint], maxConnectionsPerClient: 2 }))
  const one = await openUdpClient(t, port!)
  const two = await openUdpClient(t, port!)
  t.strictSame([await one.ask('1'), await two.ask('2')], ['pod 1', 'pod 2'])
  const beyond = await openUdpClient(t, port!)
  beyond.send('3')
  beyond.send('4')
  await waitUntil(async () => (await plane.trafficCounts()).shedAtClientLimit === 2, 'both are counted')
  t.match(await plane.trafficCounts(), { connections: 2, refused: 2, shedAtServiceLimit: 0 })
  t.equal(pod.received.length, 2)
  await clock.advance(50)
  await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the flows have ended')
  t.equal(await beyond.ask('5'), 'pod 5')
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }))
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint], maxConnectionsPerClient: 1 }))
  one.send('again')
  await waitUntil(async () => (await plane.trafficCounts()).shedAtClientLimit === 3, 'a new limit counts the open flow')
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint], maxConnections: 1 }))
  const late = await openUdpClient(t, port!)
  await beyond.ask('6')
  late.send('7')
  await waitUntil(async () => (await plane.trafficCounts()).shedAtServiceLimit === 1, 'the open flow counts')
})

t.test('a flow without an endpoint does not count', async t => {
  const plane = new PlaneUnderTest(t)
  const limited = { ...udp, maxConnections: 1 }
  const [port] = await plane.apply(makeListenerSpec({ ...limited, endpoints: [await refusingUdpEndpoint()] }))
  const client = await openUdpClient(t, port!)
  for (let n = 1; n <= 3; n++) {
    client.send('x')
    await waitUntil(
      async () => (await plane.trafficCounts()).dialFailures === n && (await plane.trafficCounts()).active === 0,
      'the flow has ended',
    )
  }
  t.equal((await plane.trafficCounts()).shedAtServiceLimit, 0)
})

t.test('a flow without a descriptor does not count', async t => {
  const pod = await UdpPod.start(t, 'pod')
  const other = await echoPod(t)
  // There is room for three listeners, two connections and one flow.
  const plane = new PlaneUnderTest(t, { descriptorLimit: 105 })
  const [dns, web, time] = await plane.apply(
    makeListenerSpec({ ...udp, service: 'dns', endpoints: [pod.endpoint], maxConnections: 1 }),
    makeListenerSpec({ endpoints: [other.endpoint] }),
    makeListenerSpec({ ...udp, key: 'IPv4/default/time/UDP', service: 'time', endpoints: [pod.endpoint] }),
  )
  const crowd = new ClientGroup(t)
  t.equal(await crowd.connect(web!, X, X), '..')
  t.equal(await (await openUdpClient(t, time!)).ask('0'), 'pod 0')
  t.equal((await plane.plane.counts()).descriptors.used, 8, 'every descriptor is in use')
  const client = await openUdpClient(t, dns!)
  client.send('1')
  await waitUntil(async () => (await plane.plane.counts()).descriptors.shed === 1, 'the datagram is dropped')
  crowd.disconnect(X)
  crowd.disconnect(X)
  await waitUntil(async () => (await plane.plane.counts()).descriptors.used <= 4, 'there are descriptors again')
  t.equal(await client.ask('2'), 'pod 2')
})

t.test('a flow gets the descriptor of a client that waits for a Service with far more', async t => {
  const pod = await UdpPod.start(t, 'pod')
  const other = await echoPod(t)
  // There is room for two listeners, two connections and one more client.
  const plane = new PlaneUnderTest(t, { descriptorLimit: 104 })
  const [dns, web] = await plane.apply(
    makeListenerSpec({ ...udp, service: 'dns', endpoints: [pod.endpoint] }),
    makeListenerSpec({ endpoints: [other.endpoint] }),
  )
  t.equal(await new ClientGroup(t).connect(web!, X, X), '..')
  const waiting = connect(web!, '127.0.0.1')
  const refused = once(waiting, 'error')
  await waitUntil(async () => (await plane.plane.counts()).descriptors.waited === 1, 'a client waits')
  t.equal(await (await openUdpClient(t, dns!)).ask('q'), 'pod q')
  t.match(await refused, [{ code: 'ECONNRESET' }])
  t.match((await plane.plane.counts()).descriptors, { evicted: 0, shed: 1 })
})

t.test('a connection without an endpoint does not count', async t => {
  const plane = new PlaneUnderTest(t)
  const crowd = new ClientGroup(t)
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [await refusingUdpEndpoint()], maxConnections: 1 }))
  t.equal(await crowd.connect(port!, X, X, X), 'xxx')
  t.match(await plane.trafficCounts(), { connections: 3, shedAtServiceLimit: 0 })
})

const udp = { protocol: 'UDP', key: 'IPv4/default/dns/UDP' } as const

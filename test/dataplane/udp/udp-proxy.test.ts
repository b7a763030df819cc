import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { InProcessDataPlane } from '../../../lib/dataplane/in-process.js'
import { type Clock } from '../../../lib/model/clock.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { ManualClock } from '../../support/clock/manual-clock.js'
import {
  PlaneUnderTest,
  WORKERS,
  defaultPlaneOptions,
  makeListenerPlan,
  makeListenerSpec,
  waitUntil,
} from '../../support/dataplane/plane-under-test.js'
import { TcpPod } from '../../support/pods/tcp-pod.js'
import { testBothTransports as test } from '../../support/dataplane/test-both-udp-transports.js'
import { UdpPod, refusingUdpEndpoint, openUdpClient } from '../../support/pods/udp-pod.js'

const udp = { protocol: 'UDP', key: 'IPv4/default/dns/UDP' } as const

test('all datagrams of one client address go to one endpoint, those of the next client to the next endpoint', async (t, udpTransport) => {
  const pods = await Promise.all(['a', 'b'].map(name => UdpPod.start(t, name)))
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: pods.map(pod => pod.endpoint) }))
  const one = await openUdpClient(t, port!)
  const two = await openUdpClient(t, port!)
  t.equal(await one.ask('1'), 'a 1')
  t.equal(await two.ask('2'), 'b 2')
  t.equal(await one.ask('3'), 'a 3')
  t.equal(await two.ask('4'), 'b 4')
  t.equal((await plane.trafficCounts()).active, 2)
  t.equal(pods[0]!.received[0]!.from.port, pods[0]!.received[1]!.from.port, 'one upstream socket for a flow')
})

test('clients at two addresses with the same port number have two flows', async (t, udpTransport) => {
  const pods = await Promise.all(['a', 'b'].map(name => UdpPod.start(t, name)))
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: pods.map(pod => pod.endpoint) }))
  const one = await openUdpClient(t, port!)
  const two = await openUdpClient(t, port!, one.port, '127.0.0.2')
  t.equal(await one.ask('1'), 'a 1')
  t.equal(await two.ask('2'), 'b 2')
  t.equal(await one.ask('3'), 'a 3')
  t.equal((await plane.trafficCounts()).active, 2)
})

test('datagrams of every size up to 65,507 bytes pass unchanged in both directions', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod', text => text)
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }))
  const client = await openUdpClient(t, port!)
  for (const size of [0, 1, 1472, 4096, 4097, 9000, 65_507]) {
    const text = 'x'.repeat(size)
    t.equal(await client.ask(text), text, `${size} bytes`)
  }
})

test('datagrams that come before the upstream socket is open are sent in order', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }))
  const client = await openUdpClient(t, port!)
  for (let i = 0; i < 20; i++) client.send(String(i))
  await waitUntil(() => pod.received.length === 20, 'all have arrived')
  t.strictSame(
    pod.received.map(({ text }) => Number(text)),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('flows to a removed endpoint end at once, other flows go on', async (t, udpTransport) => {
  const pods = await Promise.all(['a', 'b', 'c'].map(name => UdpPod.start(t, name)))
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [a, b, c] = pods.map(pod => pod.endpoint)
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [a!, b!] }))
  const one = await openUdpClient(t, port!)
  const two = await openUdpClient(t, port!)
  t.equal(await one.ask('1'), 'a 1')
  t.equal(await two.ask('2'), 'b 2')
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [b!, c!] }))
  t.equal((await plane.trafficCounts()).active, 1)
  t.equal(await two.ask('3'), 'b 3')
  t.match(await one.ask('4'), /^[bc] 4$/)
})

test('a datagram to a closed port is not lost: the flow moves to another endpoint and sends it again', async (t, udpTransport) => {
  const live = await UdpPod.start(t, 'live')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(
    makeListenerSpec({ ...udp, endpoints: [await refusingUdpEndpoint(), await refusingUdpEndpoint(), live.endpoint] }),
  )
  const client = await openUdpClient(t, port!)
  t.equal(await client.ask('hello'), 'live hello')
  t.equal((await plane.trafficCounts()).dialFailures, 2)
  t.equal((await plane.trafficCounts()).active, 1)
})

test('a flow moves on when its endpoint dies after an answer, with and without affinity', async (t, udpTransport) => {
  for (const affinityMs of [undefined, 60_000]) {
    const first = await UdpPod.start(t, 'first')
    const second = await UdpPod.start(t, 'second')
    const plane = new PlaneUnderTest(t, { udpTransport })
    const [port] = await plane.apply(
      makeListenerSpec({ ...udp, affinityMs, endpoints: [first.endpoint, second.endpoint] }),
    )
    const client = await openUdpClient(t, port!)
    t.equal(await client.ask('1'), 'first 1')
    first.stop()
    t.equal(await client.ask('2'), 'second 2')
    t.equal(await client.ask('3'), 'second 3')
    const sameHost = await openUdpClient(t, port!)
    t.equal(await sameHost.ask('4'), 'second 4')
  }
})

test('when every port is closed the flow ends, and the next datagram opens a new one', async (t, udpTransport) => {
  const plane = new PlaneUnderTest(t, { udpTransport })
  const dead = await refusingUdpEndpoint()
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [dead] }))
  const client = await openUdpClient(t, port!)
  client.send('1')
  await waitUntil(
    async () => (await plane.trafficCounts()).dialFailures === 1 && (await plane.trafficCounts()).active === 0,
    'the flow has ended',
  )
  const live = await UdpPod.start(t, 'live')
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [live.endpoint] }))
  t.equal(await client.ask('2'), 'live 2')
})

test('without endpoints the kernel answers port unreachable, and a new endpoint is served at once', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [] }))
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  client.connect(port!, '127.0.0.1')
  await once(client, 'connect')
  client.send('1')
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNREFUSED')
  t.strictSame(await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint] })), [port])
  client.send('2')
  t.equal(String((await once(client, 'message'))[0]), 'pod 2')
})

test('ClientIP affinity applies to all flows of one client', async (t, udpTransport) => {
  const pods = await Promise.all(['a', 'b', 'c'].map(name => UdpPod.start(t, name)))
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(
    makeListenerSpec({ ...udp, affinityMs: 60_000, endpoints: pods.map(pod => pod.endpoint) }),
  )
  for (let i = 0; i < 4; i++) t.equal(await (await openUdpClient(t, port!)).ask('x'), 'a x')
})

const skipReason = WORKERS > 0 && 'workers have their own clock'
const IDLE_TEST_NAME = 'a flow without answer ends after its timeout, a flow with answers after the longer one'
test(
  IDLE_TEST_NAME,
  async (t, udpTransport) => {
    const clock = new ManualClock()
    const pod = await UdpPod.start(t, 'pod')
    const mute = createSocket('udp4').bind(0, '127.0.0.1')
    t.teardown(() => mute.close())
    await once(mute, 'listening')
    const plane = new PlaneUnderTest(t, { clock, udpTransport }, { udpTimeout: 30, udpStreamTimeout: 180 })
    const endpoints = [pod.endpoint, { ip: '127.0.0.1', port: mute.address().port }]
    const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints }))
    const answered = await openUdpClient(t, port!)
    await answered.ask('1')
    const unanswered = await openUdpClient(t, port!)
    unanswered.send('2')
    await waitUntil(async () => (await plane.trafficCounts()).active === 2, 'both flows are open')
    await clock.advance(29)
    t.equal((await plane.trafficCounts()).active, 2)
    await clock.advance(1)
    await waitUntil(async () => (await plane.trafficCounts()).active === 1, 'the flow without answer has ended')
    await clock.advance(140)
    await answered.ask('3')
    await clock.advance(179)
    t.equal((await plane.trafficCounts()).active, 1, 'a datagram restarts the time')
    await clock.advance(1)
    await waitUntil(async () => (await plane.trafficCounts()).active === 0, 'the flow with answers has ended')
    t.equal((await plane.plane.counts()).descriptors.used, 1, 'only the listener is left')
  },
  skipReason,
)

/** A clock that runs an action in the same turn of the event loop in which a condition becomes true. */
class ConditionClock implements Clock {
  #isChecking = false
  #check: (() => boolean) | undefined

  /** Checks the condition whenever the time is read, and runs the action once. */
  when(condition: () => boolean, action: () => void): void {
    this.#check = () => {
      if (!condition()) return false
      action()
      return true
    }
  }

  now(): number {
    if (this.#check !== undefined && !this.#isChecking) queueMicrotask(() => this.#runCheck())
    return realClock.now()
  }

  after(...timer: Parameters<Clock['after']>): () => void {
    return realClock.after(...timer)
  }

  #runCheck(): void {
    this.#isChecking = true
    if (this.#check?.() === true) this.#check = undefined
    this.#isChecking = false
  }
}

const LAST_DATAGRAM_TEST_NAME =
  'a datagram that came right before its endpoint is removed, or the drain ends, is still delivered'
test(
  LAST_DATAGRAM_TEST_NAME,
  async (t, udpTransport) => {
    const clock = new ConditionClock()
    const pods = await Promise.all([UdpPod.start(t, 'a'), UdpPod.start(t, 'b')])
    const plane = new InProcessDataPlane({ ...defaultPlaneOptions, clock, udpTransport })
    t.teardown(() => plane.drain(0))
    const traffic = () => plane.counts().listeners[0]!.traffic
    const specs = pods.map(pod => makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }))
    const { open } = await plane.apply(makeListenerPlan(specs[0]!))
    const client = await openUdpClient(t, [...open.values()][0]!)
    t.equal(await client.ask('1'), 'a 1')

    clock.when(
      () => traffic().bytesToEndpoint === 2,
      () => void plane.apply(makeListenerPlan(specs[1]!)),
    )
    client.send('2')
    await waitUntil(() => pods[0].received.length === 2, 'the endpoint of that moment gets it')
    t.same(pods[1].received, [])

    clock.when(
      () => traffic().bytesToClient === 'a 1b 3'.length,
      () => void plane.drain(0),
    )
    t.equal(await client.ask('3'), 'b 3')
  },
  skipReason,
)

test('when descriptors are short, a new flow replaces the longest idle one', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  // 8 usable: 7 of them for flows and the listener.
  const plane = new PlaneUnderTest(t, { descriptorLimit: 100, udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }))
  const clients = []
  for (let i = 0; i < 6; i++) clients.push(await openUdpClient(t, port!))
  for (const client of clients) await client.ask('x')
  await clients[0]!.ask('used again')
  t.equal((await plane.trafficCounts()).active, 6)
  const before = pod.received.length
  const late = await openUdpClient(t, port!)
  t.equal(await late.ask('late'), 'pod late')
  t.equal((await plane.trafficCounts()).active, 6)
  await clients[0]!.ask('y')
  await clients[1]!.ask('z')
  const upstream = (text: string) => pod.received.filter(entry => entry.text === text).map(({ from }) => from.port)
  const [first] = pod.received
  t.equal(upstream('y')[0], first!.from.port, 'the flow that was used again is the same one')
  t.notOk(
    pod.received.slice(0, before).some(({ from }) => from.port === upstream('z')[0]),
    'the idle flow was replaced, and opened again',
  )
})

test('an endpoint that leads back to the proxy does not make a loop', async (t, udpTransport) => {
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(makeListenerSpec({ ...udp, endpoints: [] }))
  await plane.apply(makeListenerSpec({ ...udp, endpoints: [{ ip: '127.0.0.1', port: port! }] }))
  const client = await openUdpClient(t, port!)
  client.send('round and round')
  await waitUntil(async () => (await plane.trafficCounts()).refused > 0, 'the loop is refused')
  t.equal((await plane.trafficCounts()).connections, 1)
})

test('a UDP client is served although the proxy has a TCP connection with the same port number', async (t, udpTransport) => {
  const web = await TcpPod.start(t, socket => void socket.pipe(socket))
  const pod = await UdpPod.start(t, 'pod')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [webPort, port] = await plane.apply(
    makeListenerSpec({ endpoints: [web.endpoint] }),
    makeListenerSpec({ ...udp, endpoints: [pod.endpoint] }),
  )
  const connection = connect(webPort!, '127.0.0.1')
  await waitUntil(() => web.sockets.length === 1, 'the connection is open')
  const client = await openUdpClient(t, port!, web.sockets[0]!.remotePort)
  t.equal(await client.ask('x'), 'pod x')
  connection.destroy()
})

test('a drain waits only for clients that wait for an answer', async (t, udpTransport) => {
  let answer: () => void = () => undefined
  const pod = createSocket('udp4')
  pod.on('message', (datagram, from) => {
    answer = () => pod.send(`late ${datagram.toString()}`, from.port, from.address)
  })
  pod.bind(0, '127.0.0.1')
  await once(pod, 'listening')
  t.teardown(() => pod.close())
  const plane = new PlaneUnderTest(t, { udpTransport })
  const [port] = await plane.apply(
    makeListenerSpec({ ...udp, endpoints: [{ ip: '127.0.0.1', port: pod.address().port }] }),
  )
  const client = await openUdpClient(t, port!)
  client.send('x')
  await once(pod, 'message')
  const drained = plane.plane.drain(60_000)
  answer()
  t.equal(await client.next(), 'late x')
  t.strictSame(await drained, { cutOff: 0, lostWorkers: 0 })
})

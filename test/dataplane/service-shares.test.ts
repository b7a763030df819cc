import { type Socket, connect } from 'node:net'
import { type Test } from 'tap'
import { ManualClock } from '../support/clock/manual-clock.js'
import { PlaneUnderTest, makeListenerPlan, makeListenerSpec, waitUntil } from '../support/dataplane/plane-under-test.js'
import { testBothTransports as testTcp } from '../support/dataplane/test-both-tcp-transports.js'
import { TcpPod, exchange, readAnswer } from '../support/pods/tcp-pod.js'
import { UdpPod, openUdpClient } from '../support/pods/udp-pod.js'

/** 304 usable, 273 of them for pairs of sockets. */
const DESCRIPTOR_LIMIT = 400
const WEB_KEY = 'IPv4/default/web/TCP'
const GREEDY = { key: 'IPv4/default/greedy/TCP', service: 'greedy' } as const
const DNS = { protocol: 'UDP', key: 'IPv4/kube-system/dns/UDP', namespace: 'kube-system', service: 'dns' } as const

/** Opens connections that stay open. Resolves when each is served, waits or was refused. */
async function holdConnections(
  t: Test,
  plane: PlaneUnderTest,
  key: string,
  port: number,
  localAddresses: readonly string[],
) {
  let resets = 0
  const sockets = localAddresses.map(localAddress =>
    connect({ port, host: '127.0.0.1', localAddress }).on('error', () => resets++),
  )
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  await waitUntil(async () => {
    const { connections, refused } = await plane.trafficCounts(key)
    const { dials } = await plane.plane.counts()
    return connections === sockets.length && dials.used === 0 && resets === refused
  }, 'the proxy has decided about all clients')
  return { sockets, resets: () => resets }
}

/** Connects a client that stays; resolves with whether it was served. */
function isServed(t: Test, port: number, localAddress = '127.0.0.1'): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  t.teardown(() => socket.destroy())
  return use(socket)
}

/** Lets time pass, quickly, until the test ends. */
function passTime(t: Test, clock: ManualClock): void {
  const timer = setInterval(() => clock.advanceSync(1000), 10)
  t.teardown(() => clearInterval(timer))
}

/** Resolves when the peer has answered: true; or the connection has ended: false. */
function use(socket: Socket): Promise<boolean> {
  socket.write('x')
  return new Promise(resolve => {
    socket
      .once('data', () => resolve(true))
      .once('close', () => resolve(false))
      .on('error', () => undefined)
  })
}

testTcp(
  'very many idle connections to one Service leave room for other Services, TCP and UDP',
  async (t, transport) => {
    const [pod, dns] = [await TcpPod.start(t, socket => void socket.pipe(socket)), await UdpPod.start(t, 'dns')]
    const clock = new ManualClock()
    const plane = new PlaneUnderTest(t, { transport, clock, descriptorLimit: DESCRIPTOR_LIMIT })
    const [greedyPort, port, dnsPort] = await plane.apply(
      makeListenerSpec({ ...GREEDY, endpoints: [pod.endpoint] }),
      makeListenerSpec({ endpoints: [pod.endpoint] }),
      makeListenerSpec({ ...DNS, endpoints: [dns.endpoint] }),
    )
    const greedy = await holdConnections(t, plane, GREEDY.key, greedyPort!, Array<string>(600).fill('127.0.0.1'))
    t.ok(greedy.resets() > 400, 'the newest clients of the greedy Service are refused')
    t.ok(greedy.resets() < 500, 'it has most of the descriptors')
    for (let n = 0; n < 20; n++) t.equal((await exchange(port!, 'x')).received.toString(), 'x')
    for (let n = 0; n < 5; n++) t.equal(await (await openUdpClient(t, dnsPort!)).ask('q'), 'dns q')
    t.match((await plane.plane.counts()).descriptors, { evicted: 0 }, 'and no connection had to end for that')

    passTime(t, clock)
    const before = greedy.resets()
    const served = await Promise.all(Array.from({ length: 20 }, () => isServed(t, port!)))
    t.strictSame(served, Array<boolean>(20).fill(true), 'many at a time are served once connections are idle')
    const { evicted } = (await plane.plane.counts()).descriptors
    t.ok(evicted > 0 && evicted <= 20, `${evicted} ended`)
    await waitUntil(() => greedy.resets() >= before + evicted, 'those were idle connections of the greedy Service')
  },
)

testTcp(
  'a Service with open connections gets the places of clients that wait for a greedy Service, before anything is idle',
  async (t, transport) => {
    const [pod, dns] = [await TcpPod.start(t, socket => void socket.pipe(socket)), await UdpPod.start(t, 'dns')]
    const plane = new PlaneUnderTest(t, { transport, clock: new ManualClock(), descriptorLimit: DESCRIPTOR_LIMIT })
    const [greedyPort, port, dnsPort] = await plane.apply(
      makeListenerSpec({ ...GREEDY, endpoints: [pod.endpoint] }),
      makeListenerSpec({ endpoints: [pod.endpoint] }),
      makeListenerSpec({ ...DNS, endpoints: [dns.endpoint] }),
    )
    for (let n = 0; n < 20; n++) t.equal(await isServed(t, port!), true)
    await holdConnections(t, plane, GREEDY.key, greedyPort!, Array<string>(600).fill('127.0.0.1'))
    const before = (await plane.plane.counts()).descriptors
    // With the new connections these are more than are left for pairs.
    for (let n = 0; n < 5; n++) t.equal(await (await openUdpClient(t, dnsPort!)).ask('q'), 'dns q')
    const served: boolean[] = []
    for (let n = 0; n < 6; n++) served.push(await isServed(t, port!))
    t.strictSame(served, Array<boolean>(6).fill(true))
    const { shed, evicted } = (await plane.plane.counts()).descriptors
    t.ok(shed > before.shed, 'some took the place of a client that waited')
    t.equal(evicted, 0)
  },
)

testTcp('a connection that is used does not end to make room, one that is idle does', async (t, transport) => {
  const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
  const clock = new ManualClock()
  const plane = new PlaneUnderTest(t, { transport, clock, descriptorLimit: DESCRIPTOR_LIMIT })
  const [greedyPort, port] = await plane.apply(
    makeListenerSpec({ ...GREEDY, endpoints: [pod.endpoint] }),
    makeListenerSpec({ endpoints: [pod.endpoint] }),
  )
  const { sockets } = await holdConnections(t, plane, GREEDY.key, greedyPort!, Array<string>(115).fill('127.0.0.1'))
  clock.advanceSync(4000)
  const [used, idle] = [sockets.slice(2), sockets.slice(0, 2)]
  t.notOk((await Promise.all(used.map(use))).includes(false))
  clock.advanceSync(1000)
  // More than there is room for.
  const clients = Array.from({ length: 22 }, () => isServed(t, port!))
  await waitUntil(async () => (await plane.trafficCounts(WEB_KEY)).connections === 22, 'all have come')
  for (let sweep = 0; sweep < 3; sweep++) clock.advanceSync(1000)
  await waitUntil(() => idle.every(({ destroyed }) => destroyed), 'the idle ones have ended')
  t.notOk((await Promise.all(used.map(use))).includes(false), 'those that were used go on')
  passTime(t, clock)
  await Promise.all(clients)
})

testTcp(
  'a client with very many idle connections leaves room for other clients of the Service',
  async (t, transport) => {
    const pod = await TcpPod.start(t, socket => void socket.pipe(socket))
    const clock = new ManualClock()
    const plane = new PlaneUnderTest(t, { transport, clock, descriptorLimit: DESCRIPTOR_LIMIT })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
    await holdConnections(t, plane, WEB_KEY, port!, Array<string>(200).fill('127.0.0.2'))
    clock.advanceSync(5000)
    const served = await Promise.all(Array.from({ length: 10 }, () => isServed(t, port!, '127.0.0.3')))
    t.strictSame(served, Array<boolean>(10).fill(true))
  },
)

testTcp(
  'listeners for which there is no descriptor fail, the others are served, and all when there is room',
  async (t, transport) => {
    const [pod, dns] = [await TcpPod.startNamed(t, 'pod'), await UdpPod.start(t, 'dns')]
    // 204 usable, 153 for listeners.
    const { plane } = new PlaneUnderTest(t, { transport, descriptorLimit: 300 })
    const specs = Array.from({ length: 200 }, (_, n) =>
      n % 2 === 0
        ? makeListenerSpec({ key: `IPv4/default/${n}/TCP`, endpoints: [pod.endpoint] })
        : makeListenerSpec({ ...DNS, key: `IPv4/default/${n}/UDP`, endpoints: [dns.endpoint] }),
    )
    const first = await plane.apply(makeListenerPlan(...specs.slice(0, 100)))
    t.equal(first.failed.size, 0)
    const { open, failed } = await plane.apply(makeListenerPlan(...specs))
    t.equal(failed.size, 47)
    t.equal((await plane.counts()).unserved, 47)
    t.ok([...failed.values()].every(({ code }) => code === 'DESCRIPTORS_EXHAUSTED'))
    t.ok(
      [...first.open].every(([key, port]) => open.get(key) === port),
      'those that were served stay as they are',
    )
    t.equal(await readAnswer(open.get(specs[0]!.key)!), 'pod')
    const fewer = await plane.apply(makeListenerPlan(...specs.slice(60)))
    t.equal(fewer.failed.size, 0)
    t.equal(await readAnswer(fewer.open.get(specs[198]!.key)!), 'pod')
    // A listener that loses its endpoints needs no descriptor, and fails when it gets them back too late.
    const [kept, emptied] = [specs.slice(60), specs.slice(0, 60).map(spec => ({ ...spec, endpoints: [] }))]
    t.equal((await plane.apply(makeListenerPlan(...kept, ...emptied))).failed.size, 0)
    t.equal((await plane.apply(makeListenerPlan(...kept, ...specs.slice(0, 60)))).failed.size, 47)
  },
)

import { connect } from 'node:net'
import t from 'tap'
import { InProcessDataPlane } from '../../lib/dataplane/in-process.js'
import { type InspectedHappening } from '../../lib/dataplane/inspect-request.js'
import { DgramTransport } from '../../lib/dataplane/transport/dgram-transport.js'
import { type UdpConnector } from '../../lib/dataplane/transport/udp-transport.js'
import {
  PlaneUnderTest,
  defaultPlaneOptions,
  makeListenerPlan,
  makeListenerSpec,
  waitUntil,
} from '../support/dataplane/plane-under-test.js'
import { testBothTransports as testTcp } from '../support/dataplane/test-both-tcp-transports.js'
import { testBothTransports as testUdp } from '../support/dataplane/test-both-udp-transports.js'
import { TcpPod, exchange, readAnswer, refusingEndpoint } from '../support/pods/tcp-pod.js'
import { UdpPod, openUdpClient, refusingUdpEndpoint } from '../support/pods/udp-pod.js'
import { unresponsiveEndpoint } from '../support/pods/unresponsive-endpoint.js'

const EVERYTHING = { namespace: undefined, service: undefined, client: undefined, pod: undefined, onlyFailures: false }
/** A silent endpoint costs a second, and a busy machine has time for the next one. One that refuses is tried as often as there are times. */
const SCHEDULE = [1000, 60_000]

function keyOf({ ip, port }: { readonly ip: string; readonly port: number }): string {
  return `${ip}:${port}`
}

/** A client that watches a plane. */
class Watch {
  readonly #plane: Pick<PlaneUnderTest, 'plane'>
  readonly #after = new Map<number, number>()
  readonly seen: InspectedHappening[] = []

  static async begin(plane: Pick<PlaneUnderTest, 'plane'>): Promise<Watch> {
    const watch = new Watch(plane)
    await watch.#look()
    return watch
  }

  private constructor(plane: Pick<PlaneUnderTest, 'plane'>) {
    this.#plane = plane
  }

  /** Resolves when so much has happened. */
  async until(count: number): Promise<readonly InspectedHappening[]> {
    await waitUntil(async () => (await this.#look()) >= count, `${count} happenings`)
    return this.seen
  }

  async #look(): Promise<number> {
    const request = { what: 'happenings', namespace: undefined, service: undefined, limit: Infinity } as const
    const { processes } = await this.#plane.plane.inspect({
      ...{ ...request, happenedAfter: this.#after, filters: [EVERYTHING] },
    })
    for (const { pid, rows } of processes) {
      const happened = rows as readonly InspectedHappening[]
      this.seen.push(...happened)
      this.#after.set(pid, happened.at(-1)?.sequence ?? this.#after.get(pid) ?? 0)
    }
    return this.seen.length
  }
}

testTcp('a connection that opened and ended between two questions is reported in order, once', async (t, transport) => {
  const pod = await TcpPod.startNamed(t, 'pod')
  const plane = new PlaneUnderTest(t, { transport })
  const [port] = await plane.apply(makeListenerSpec({ endpoints: [pod.endpoint] }))
  await readAnswer(port!)
  const watch = await Watch.begin(plane)
  await readAnswer(port!)
  const seen = await watch.until(2)
  const endpoint = keyOf(pod.endpoint)
  t.match(seen, [
    { what: 'opened', endpoint, tries: 1, why: '', next: '', client: '127.0.0.1', listener: { service: 'web' } },
    { what: 'ended', endpoint, tries: 1, end: 'closed', bytesToClient: Number, id: seen[0]!.id },
  ])
  t.equal(seen[0]!.clientPort, seen[1]!.clientPort)
  t.ok(seen[1]!.bytesToClient! > 0)
  t.ok(seen[0]!.openedMsAgo! >= seen[0]!.msAgo)
  await readAnswer(port!)
  t.equal((await watch.until(4)).length, 4, 'nothing twice')
})

testTcp('a retry names the endpoint that failed, why, and the next one', async (t, transport) => {
  const refusing = await refusingEndpoint()
  const silent = await unresponsiveEndpoint(t)
  const pod = await TcpPod.startNamed(t, 'pod')
  for (const [failing, why] of [
    [refusing, /ECONNREFUSED/],
    [silent, /^no answer within \d+ ms$/],
  ] as const) {
    const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: SCHEDULE })
    const [port] = await plane.apply(makeListenerSpec({ endpoints: [failing, pod.endpoint] }))
    const watch = await Watch.begin(plane)
    let clients = 0
    // Workers begin with another endpoint each.
    await waitUntil(async () => {
      t.equal(await readAnswer(port!), 'pod')
      clients++
      return (await watch.until(2 * clients)).some(({ what }) => what === 'retried')
    }, 'a client has met the endpoint')
    const seen = await watch.until(2 * clients + 2)
    const { id, clientPort } = seen.find(({ what }) => what === 'retried')!
    t.match(
      seen.filter(({ what }) => what === 'ejected'),
      [{ endpoint: keyOf(failing), forMs: 2000, client: '', why }],
    )
    t.match(
      seen.filter(each => each.id === id && each.clientPort === clientPort),
      [
        { what: 'retried', endpoint: keyOf(failing), next: keyOf(pod.endpoint), why, tries: 1 },
        { what: 'opened', endpoint: keyOf(pod.endpoint), tries: 2 },
        { what: 'ended', endpoint: keyOf(pod.endpoint), tries: 2, end: 'closed' },
      ],
    )
  }
})

testTcp('a refusal says why, and is the only end of its client', async (t, transport) => {
  const refusing = await refusingEndpoint()
  const pod = await TcpPod.start(t, () => undefined)
  const plane = new PlaneUnderTest(t, { transport }, { dialSchedule: SCHEDULE })
  const endpoints = [pod.endpoint]
  const [failing, foreign, empty, limited] = await plane.apply(
    makeListenerSpec({ key: 'failing', service: 'failing', endpoints: [refusing] }),
    makeListenerSpec({ key: 'foreign', service: 'foreign', endpoints, sourceRanges: [] }),
    makeListenerSpec({ key: 'empty', service: 'empty', endpoints: [], holdsNodePort: true }),
    makeListenerSpec({ key: 'limited', service: 'limited', endpoints, maxConnections: 1 }),
  )
  const watch = await Watch.begin(plane)
  const refused = { what: 'refused', client: '127.0.0.1', clientPort: Number }
  const next = async (service: string, port: number, count: number) => {
    t.equal((await exchange(port)).error, 'ECONNRESET', service)
    const seen = await watch.until(count)
    t.equal(seen.length, count, service)
    return seen.at(-1)!
  }
  t.match(await next('foreign', foreign!, 1), { ...refused, id: 0, endpoint: '', why: /source ranges/ })
  t.match(await next('empty', empty!, 2), { ...refused, endpoint: '', tries: 0, why: 'no endpoint' })
  t.match(await next('failing', failing!, 2 + SCHEDULE.length), {
    ...refused,
    endpoint: keyOf(refusing),
    why: /ECONNREFUSED/,
  })
  const client = connect(limited!, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => client.destroy())
  await watch.until(3 + SCHEDULE.length)
  t.match(await next('limited', limited!, 4 + SCHEDULE.length), {
    ...refused,
    id: 0,
    why: 'connection limit of the Service',
  })
})

testUdp('a flow that opens, moves to another endpoint and ends is reported', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  const refusing = await refusingUdpEndpoint('127.0.0.1')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const spec = makeListenerSpec({ protocol: 'UDP', endpoints: [refusing, pod.endpoint] })
  const [port] = await plane.apply(spec)
  const watch = await Watch.begin(plane)
  const client = await openUdpClient(t, port!)
  t.equal(await client.ask('1'), 'pod 1')
  await plane.apply({ ...spec, endpoints: [] })
  const seen = await watch.until(4)
  const flow = { client: '127.0.0.1', clientPort: client.port, tries: 0 }
  t.match(seen, [
    { ...flow, what: 'opened', endpoint: keyOf(refusing) },
    { what: 'ejected', endpoint: keyOf(refusing) },
    { ...flow, what: 'retried', endpoint: keyOf(refusing), next: keyOf(pod.endpoint), why: /ECONNREFUSED/ },
    { ...flow, what: 'ended', endpoint: keyOf(pod.endpoint), end: 'flow-ended', bytesToClient: undefined },
  ])
})

testUdp('a datagram that gets no endpoint is a refusal', async (t, udpTransport) => {
  const refusing = await refusingUdpEndpoint('127.0.0.1')
  const plane = new PlaneUnderTest(t, { udpTransport })
  const empty = { key: 'empty', service: 'empty', endpoints: [], holdsNodePort: true }
  const [failing, none] = await plane.apply(
    makeListenerSpec({ protocol: 'UDP', endpoints: [refusing] }),
    makeListenerSpec({ protocol: 'UDP', ...empty }),
  )
  const watch = await Watch.begin(plane)
  const noEndpoint = await openUdpClient(t, none!)
  noEndpoint.send('1')
  t.match(await watch.until(1), [{ what: 'refused', clientPort: noEndpoint.port, why: 'no endpoint', endpoint: '' }])
  const client = await openUdpClient(t, failing!)
  client.send('1')
  t.match((await watch.until(4)).slice(1), [
    { what: 'opened', endpoint: keyOf(refusing) },
    { what: 'refused', endpoint: keyOf(refusing), next: '', why: /ECONNREFUSED/, clientPort: client.port },
    { what: 'ended', end: 'flow-ended' },
  ])
})

/** A process that gets no more sockets for endpoints, as when it has no file descriptor left. */
class ExhaustedTransport extends DgramTransport {
  override connect(target: { readonly ip: string; readonly port: number }, connector: UdpConnector) {
    const error = Object.assign(new Error('socket EMFILE'), { code: 'EMFILE' })
    process.nextTick(() => connector.onError(error))
    return super.connect(target, connector)
  }
}

t.test('a UDP client that gets no socket is refused', async t => {
  const pod = await UdpPod.start(t, 'pod')
  const plane = new InProcessDataPlane({ ...defaultPlaneOptions, udpTransport: new ExhaustedTransport() })
  t.teardown(() => plane.drain(0))
  const { open } = await plane.apply(makeListenerPlan(makeListenerSpec({ protocol: 'UDP', endpoints: [pod.endpoint] })))
  const watch = await Watch.begin({ plane })
  const client = await openUdpClient(t, [...open.values()][0]!)
  client.send('1')
  t.match(await watch.until(3), [
    { what: 'opened' },
    { what: 'refused', why: 'socket EMFILE', next: '', clientPort: client.port },
    { what: 'ended' },
  ])
})

import t from 'tap'
import { flowCapacity } from '../../../lib/dataplane/udp/flow-capacity.js'
import { PlaneUnderTest, makeListenerSpec } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-udp-transports.js'
import { UdpPod, openUdpClient } from '../../support/pods/udp-pod.js'

const DEFAULT_RANGE = 28_232

for (const { title, files = 1_048_576, used = 0, inUse, total = DEFAULT_RANGE, processes = 1, expected } of [
  { title: 'descriptors decide: half of them', files: 1000, inUse: 10, expected: 500 },
  { title: 'there is a most in any case', inUse: 10, expected: 16_384 },
  { title: 'ports decide, and an eighth stays free', total: 200, inUse: 5, expected: 170 },
  { title: 'several processes take a part each of what is free', inUse: 703, processes: 4, expected: 6000 },
  {
    title: 'a process that has flows may have its part besides',
    used: 6000,
    inUse: 6703,
    processes: 4,
    expected: 10_500,
  },
  { title: 'other programs have taken the rest: no more than now', used: 100, total: 200, inUse: 190, expected: 100 },
  { title: 'flows may have a sixteenth in any case', total: 200, inUse: 200, expected: 12 },
  { title: 'also when very many sockets are outside the range', inUse: 60_000, expected: 1764 },
  { title: 'also with flows that have ended', used: 1, inUse: 24_801, expected: 1764 },
  { title: 'each process has its part of that', inUse: 24_800, processes: 4, expected: 441 },
  { title: 'one flow is tried with very few ports', total: 10, inUse: 10, expected: 1 },
  { title: 'the kernel does not say', files: 1000, inUse: undefined, expected: 500 },
])
  t.equal(flowCapacity(files, used, inUse === undefined ? undefined : { total, inUse }, processes), expected, title)

t.test('processes that look in turn never have more than the ports, and share them', t => {
  const [processes, total] = [4, 1000]
  const used = Array<number>(processes).fill(0)
  const inUse = () => used.reduce((sum, count) => sum + count, 0)
  for (let look = 0; look < 50; look++)
    for (let n = 0; n < processes; n++) used[n] = flowCapacity(100_000, used[n]!, { total, inUse: inUse() }, processes)
  t.ok(inUse() <= 875 && inUse() > 860, `${inUse()} in all`)
  t.ok(Math.min(...used) > 100, used.join(' '))
  t.end()
})

testBothTransports(
  'when others have seven eighths of the ports, clients of all Services are served',
  async (t, udpTransport) => {
    const readUdpPorts = () => ({ total: 28_232, inUse: 24_800 })
    const node = { processes: 1, memory: Infinity, readUdpPorts, readTcpMemory: () => undefined }
    const plane = new PlaneUnderTest(t, { udpTransport, node })
    const pod = await UdpPod.start(t, 'pod')
    const ports = await plane.apply(
      ...['a', 'b'].map(service =>
        makeListenerSpec({
          protocol: 'UDP',
          key: `IPv4/default/${service}/UDP`,
          service,
          endpoints: [pod.endpoint],
        }),
      ),
    )
    for (let n = 0; n < 20; n++) {
      const client = await openUdpClient(t, ports[n % 2]!)
      t.equal(await client.ask(`question ${n}`), `pod question ${n}`)
    }
    t.match((await plane.plane.counts()).flows, { used: 20, shed: 0, evicted: 0 })
  },
)

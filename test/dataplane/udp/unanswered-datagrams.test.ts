import { PlaneUnderTest, makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-udp-transports.js'
import { UdpPod, openUdpClient } from '../../support/pods/udp-pod.js'

const DNS = { protocol: 'UDP', key: 'IPv4/kube-system/dns/UDP', namespace: 'kube-system', service: 'dns' } as const
const OTHER = { protocol: 'UDP', key: 'IPv4/default/other/UDP', service: 'other' } as const

testBothTransports('datagrams without an answer are kept only while there is memory', async (t, udpTransport) => {
  const pod = await UdpPod.start(t, 'pod')
  pod.socket.removeAllListeners('message')
  const other = await UdpPod.start(t, 'other')
  // 8 MiB for all, 1 MiB of them for such datagrams.
  const node = { processes: 1, memory: 32 * 2 ** 20, readUdpPorts: () => undefined, readTcpMemory: () => undefined }
  const plane = new PlaneUnderTest(t, { udpTransport, node })
  const [port, otherPort] = await plane.apply(
    makeListenerSpec({ ...DNS, endpoints: [pod.endpoint] }),
    makeListenerSpec({ ...OTHER, endpoints: [other.endpoint] }),
  )
  const memory = async () => (await plane.plane.counts()).memory.unanswered
  const clients = await Promise.all(Array.from({ length: 40 }, () => openUdpClient(t, port!)))
  for (const [n, client] of clients.entries()) {
    client.send(Buffer.alloc(40_000))
    await waitUntil(async () => (await plane.trafficCounts(DNS.key)).connections === n + 1, 'the flow is open')
  }
  const { used, limit, shed } = await memory()
  t.equal(limit, 2 ** 20)
  t.ok(used > 0.8 * limit && used < limit, `${used} bytes`)
  t.equal(shed, 40 - used / 40_000)
  // The Service with so many bytes does not take them from others.
  const client = await openUdpClient(t, otherPort!)
  t.equal(await client.ask('q'), 'other q')
  t.match(await memory(), { used, shed })
  await plane.apply(makeListenerSpec({ ...OTHER, endpoints: [other.endpoint] }))
  await plane.plane.drain(0)
  t.match(await memory(), { used: 0 }, 'flows that have ended keep nothing')
})

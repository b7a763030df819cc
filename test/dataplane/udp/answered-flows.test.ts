import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { PlaneUnderTest, makeListenerSpec, waitUntil } from '../../support/dataplane/plane-under-test.js'
import { testBothTransports } from '../../support/dataplane/test-both-udp-transports.js'
import { UdpPod, openUdpClient } from '../../support/pods/udp-pod.js'

const DNS = { protocol: 'UDP', key: 'IPv4/kube-system/dns/UDP', namespace: 'kube-system', service: 'dns' } as const

testBothTransports(
  'flows that were answered several times survive a flood of single datagrams',
  async (t, udpTransport) => {
    const pods = await Promise.all(['a', 'b'].map(name => UdpPod.start(t, name)))
    const plane = new PlaneUnderTest(t, { udpTransport, descriptorLimit: 1000 })
    const [port] = await plane.apply(makeListenerSpec({ ...DNS, endpoints: pods.map(({ endpoint }) => endpoint) }))
    // Two at the address of the flood, too.
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.9', '127.0.0.9']
    const talkers = await Promise.all(addresses.map(address => openUdpClient(t, port!, 0, address)))
    const upstreamPorts = (text: string) =>
      pods.flatMap(({ received }) => received.filter(entry => entry.text === text).map(({ from }) => from.port))
    for (const [n, talker] of talkers.entries()) for (let turn = 0; turn < 4; turn++) await talker.ask(`talk ${n}`)

    for (let sent = 0; sent < 2000; sent += 100) await sendFromNewPorts(port!, '127.0.0.9', 100)
    const flooded = async () => (await plane.plane.counts()).flows.evicted > 1000
    await waitUntil(flooded, 'the flood has taken all it could')
    for (const [n, talker] of talkers.entries()) {
      // The rest of the flood may fill the socket's buffer: the kernel drops what comes then, and a client asks again.
      const repeat = setInterval(() => talker.send(`talk ${n}`), 500)
      await talker.ask(`talk ${n}`)
      clearInterval(repeat)
      t.equal(new Set(upstreamPorts(`talk ${n}`)).size, 1, `flow ${n} is the same one`)
    }
  },
)

/** Sends one datagram from each of some ports, which close at once. */
async function sendFromNewPorts(port: number, address: string, count: number): Promise<void> {
  const sendOne = async () => {
    const socket = createSocket('udp4').bind(0, address)
    await once(socket, 'listening')
    await new Promise(resolve => socket.send('once', port, '127.0.0.1', resolve))
    socket.close()
  }
  await Promise.all(Array.from({ length: count }, sendOne))
}

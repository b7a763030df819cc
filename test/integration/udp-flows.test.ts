import { once } from 'node:events'
import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const DNS = { clusterIP: '10.96.0.53', port: 53, protocol: 'UDP' } as const
/** A client that never pauses and never changes its port, so that its flow never times out in the kernel. */
const FIXED_PORT_CLIENT_SOURCE = `
const socket = require('dgram').createSocket('udp4')
socket.on('error', () => 0).on('message', answer => process.stdout.write(answer + '\\n'))
socket.bind(5555)
setInterval(() => socket.send('hello', 53, '10.96.0.53'), 20)
`

t.test('UDP clients that keep their port', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('a')
  const folder = new ManifestFolder(t)
  folder.write(makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }))
  const args = ['--manifests', folder.path, '--iptables-min-sync-period=50ms']
  const first = new ProxyProcess(network, args)
  await first.waitForLine(/Synced rules" family="IPv4"/)
  const client = network.start((await network.addPod()).namespace, process.execPath, ['-e', FIXED_PORT_CLIENT_SOURCE])
  const answer = async () => String((await once(client.stdout!, 'data'))[0]).split('\n')[0]
  const entry = async () => (await network.node.run('cat', ['/proc/net/nf_conntrack'])).stdout.includes('dport=53')

  await t.test('a Service that is created after the client has started is served to it', async t => {
    for (let i = 0; i < 200 && !(await entry()); i++) await new Promise(resolve => setImmediate(resolve))
    folder.write(makeServiceManifest('dns', DNS), makeSliceManifest('dns', [server.ip], 5353, 'UDP'))
    t.equal(await answer(), 'a 5')
    await first.waitForLine(/Deleted stale flows/)
  })

  const hasPython = (await network.node.run('sh', ['-c', 'command -v python3'])).exitCode === 0
  await t.test(
    'a datagram from port 0, which cannot be answered, does no harm',
    { skip: hasPython ? false : 'needs python3 for a raw socket' },
    async t => {
      const raw = `
import socket, struct
payload = b'zero'
datagram = struct.pack('!HHHH', 0, 53, 8 + len(payload), 0) + payload
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).sendto(datagram, ('10.96.0.53', 0))
`
      const { namespace } = await network.addPod()
      t.equal((await namespace.run('python3', ['-c', raw])).exitCode, 0)
      client.stdout!.removeAllListeners('data')
      for (let i = 0; i < 10; i++) t.equal(await answer(), 'a 5')
      t.equal(first.child.exitCode, null)
    },
  )

  await t.test('a client reaches a restarted proxy with other ports', async t => {
    t.equal(await first.stop(), 0)
    // Without the old rules, the next process uses another port.
    await network.node.run('iptables', ['-t', 'nat', '-F', 'KUBE-PORTALS-CONTAINER'])
    client.stdout!.removeAllListeners('data')
    const second = new ProxyProcess(network, args)
    await second.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(await answer(), 'a 5')
    t.equal(await second.stop(), 0)
  })
})

import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
const CONNECTIONS = 400
const REUSE_SETTING = 'net.ipv4.tcp_tw_reuse'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in kernel modes clients use ports of their own')

const FAMILIES = [
  ['10.96.0.10', 'ip', 'IPv4'],
  ['fd00:96::10', 'ip6', 'IPv6'],
] as const
const TABLE = FAMILIES.flatMap(row => (['auto', 'off'] as const).map(fastPath => [fastPath, ...row] as const))
for (const [fastPath, clusterIP, podAddress, family] of TABLE)
  t.test(
    `with 200 source ports, 400 short connections to one Pod all succeed (${family}, --fast-path=${fastPath})`,
    { skip },
    async t => {
      const network = await NodeNetwork.create(t)
      const pod = await network.addServer('a')
      const { namespace } = await network.addPod()
      await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40199', `${REUSE_SETTING}=2`])
      const folder = new ManifestFolder(t)
      folder.write(
        makeServiceManifest('web', { clusterIP, port: 80 }),
        makeSliceManifest('web', [pod[podAddress]], 8080),
      )
      const proxy = new ProxyProcess(network, ['--manifests', folder.path, `--fast-path=${fastPath}`])
      await proxy.waitForLine(new RegExp(`Synced rules" family="${family}"`))
      // Each client closes first, so the proxy closes its connection to the Pod first, and the port waits for 60 s.
      const args = [LOAD_CLIENT, clusterIP, '80', 'sequential', String(CONNECTIONS), '20']
      const client = network.start(namespace, process.execPath, args)
      for await (const line of createInterface({ input: client.stdout! })) {
        t.match(JSON.parse(line), { outcomes: { answered: CONNECTIONS }, answers: { a: CONNECTIONS } })
        break
      }
      const shortages = proxy.lines.filter(line =>
        line.includes('This node lacks what a connection to an endpoint needs'),
      )
      t.equal(shortages.length, 1, 'the shortage is reported once')
      t.match(shortages[0], /EADDRNOTAVAIL.*ip_local_port_range/)
      t.notOk(
        proxy.lines.some(line => line.includes('Endpoint did not take a connection')),
        'the Pod is not blamed',
      )
      t.equal(await proxy.stop(), 0)
    },
  )

/** Opens one connection after the other, each when the one before is answered. A line frees a port; prints how the last one goes on then. */
const LATE_CLIENT = `
  const { connect } = require('node:net')
  const sockets = []
  let isFreed = false
  const open = () => {
    const socket = connect(80, '10.96.0.10')
    sockets.push(socket)
    socket.write('echo\\n')
    const next = text => (isFreed ? (console.log(text), process.exit(0)) : open())
    socket.once('data', () => next('answered')).on('error', ({ code }) => next(code))
  }
  open()
  process.stdin.once('data', () => {
    isFreed = true
    sockets[0].removeAllListeners('error').resetAndDestroy()
  })`

t.test(
  'a client that has waited for a source port for two seconds gets one that becomes free then',
  { skip },
  async t => {
    const network = await NodeNetwork.create(t)
    const pod = await network.addServer('a')
    const { namespace } = await network.addPod()
    await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40009'])
    const folder = new ManifestFolder(t)
    folder.write(
      makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }),
      makeSliceManifest('web', [pod.ip], 8080),
    )
    const proxy = new ProxyProcess(network, ['--manifests', folder.path, '--proxy-port-range=30000-30099'])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    const client = network.start(namespace, process.execPath, ['-e', LATE_CLIENT])
    const lines = createInterface({ input: client.stdout! })[Symbol.asyncIterator]()
    await proxy.waitForLine(/This node lacks what a connection to an endpoint needs/)
    // Most of the time that a client waits.
    await delay(2000)
    client.stdin!.write('now\n')
    t.equal((await lines.next()).value, 'answered')
    t.equal(await proxy.stop(), 0)
  },
)

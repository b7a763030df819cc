import { createInterface } from 'node:readline'
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

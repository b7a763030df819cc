import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NOTHING_ASSIGNED, assignListeners } from '../../lib/workers/assign-listeners.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { makeListenerPlan, makeListenerSpec } from '../support/dataplane/plane-under-test.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const SCARCE_PORTS = fileURLToPath(new URL('../support/dataplane/scarce-ports-entry.js', import.meta.url))
const OTHER_FAMILY = fileURLToPath(new URL('../support/dataplane/other-family-entry.js', import.meta.url))

/** Prints how many UDP sockets a program of the node can bind. */
const BIND_TWENTY = `
  let bound = 0
  for (let n = 0; n < 20; n++)
    await new Promise(resolve =>
      require('node:dgram').createSocket('udp4').bind(0, () => { bound++; resolve() }).on('error', resolve))
  console.log(bound)
  process.exit()`

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in kernel modes flows need no ports of the node')

/** With two workers, each has one of them. */
const SERVICES = ['dns-0', 'dns-1'] as const
const TABLE = [
  ['auto', '10.96.0.10', '10.96.0.11', 'ip', 'IPv4', 1],
  ['off', 'fd00:96::10', 'fd00:96::11', 'ip6', 'IPv6', 1],
  ['auto', '10.96.0.10', '10.96.0.11', 'ip', 'IPv4', 2],
] as const
for (const [fastPath, clusterIP, otherIP, podAddress, family, workers] of TABLE)
  t.test(
    `with 200 source ports, 260 UDP clients are all answered, and others have ports left (${family}, --fast-path=${fastPath}, workers: ${workers})`,
    { skip },
    async t => {
      const network = await NodeNetwork.create(t)
      const pod = await network.addServer('a')
      const { namespace } = await network.addPod()
      await network.node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40199'])
      const folder = new ManifestFolder(t)
      folder.write(
        ...SERVICES.flatMap((name, index) => [
          makeServiceManifest(name, { clusterIP: [clusterIP, otherIP][index]!, port: 53, protocol: 'UDP' }),
          makeSliceManifest(name, [pod[podAddress]], 5353, 'UDP'),
        ]),
      )
      const flags = ['--manifests', folder.path, `--fast-path=${fastPath}`, `--data-plane-workers=${workers}`]
      const proxy = new ProxyProcess(network, flags)
      await proxy.waitForLine(new RegExp(`Synced rules" family="${family}"`))
      const client = new NetworkClient(network, namespace)
      const answers = new Map<string, number>()
      for (let n = 0; n < 260; n++) {
        // With two workers each has half of the clients.
        const { answer } = await client.udp(n % workers === 0 ? clusterIP : otherIP, 53)
        if (answer === 'no answer') return void t.fail(`client ${n}: no answer`)
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
      t.strictSame([...answers.values()], [260], [...answers.keys()].join(' '))
      for (let n = 0; n < 10; n++) t.equal((await client.udp(otherIP, 53)).answer, [...answers.keys()][0])
      const { stdout } = await network.node.run(process.execPath, ['-e', `void (async () => { ${BIND_TWENTY} })()`])
      t.equal(stdout.trim(), '20', 'a program of the node can bind')
      t.equal(await proxy.stop(), 0)
    },
  )

t.test('two workers have one of the Services of this test each', t => {
  const specs = SERVICES.map(service => makeListenerSpec({ key: service, service, protocol: 'UDP', endpoints: [] }))
  const { owners } = assignListeners(makeListenerPlan(...specs), [0, 1], true, NOTHING_ASSIGNED)
  t.strictSame([...owners.values()], [0, 1])
  t.end()
})

for (const fastPath of ['auto', 'off'])
  t.test(
    `a UDP client gets the port of the flow that was idle longest when the kernel has none left (--fast-path=${fastPath})`,
    { skip: namespacesUnavailable },
    async t => {
      const { node } = await NodeNetwork.create(t)
      await node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40049'])
      const { stdout } = await node.run(process.execPath, [SCARCE_PORTS, '80', fastPath])
      t.match(JSON.parse(stdout), { answered: 80, errors: 1 })
    },
  )

for (const fastPath of ['auto', 'off'])
  t.test(
    `a flow to an IPv6 endpoint gets a port although sockets for IPv4 have all of them (--fast-path=${fastPath})`,
    { skip: namespacesUnavailable },
    async t => {
      const { node } = await NodeNetwork.create(t)
      await node.run('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=40000 40049'])
      const { stdout } = await node.run(process.execPath, [OTHER_FAMILY, fastPath])
      t.strictSame(JSON.parse(stdout), { taken: 50, result: 'connected' })
    },
  )

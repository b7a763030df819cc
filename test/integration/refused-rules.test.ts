import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const STICKY = { clusterIP: '10.96.0.11', port: 80, affinity: true }
const LATER = { clusterIP: '10.96.0.12', port: 80 }

t.test('a kernel without the match "recent"', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  const { ip } = await network.addServer('a')
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  const folder = new ManifestFolder(t)
  const sliceOf = (name: string): object => makeSliceManifest(name, [ip], 8080)
  const objects = [makeServiceManifest('web', WEB), sliceOf('web')]
  objects.push(makeServiceManifest('sticky', STICKY), sliceOf('sticky'))
  folder.write(...objects)
  // Refuses each input with such a rule, as a whole.
  const restore = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-m recent/-m no-such-match/')
  const args = ['--manifests', folder.path, '--iptables-sync-period=1s']
  const proxy = new ProxyProcess(network, args, restore.env, network.node, 'iptables')

  await t.test('the Services that need no such rule are served, and the others are reported', async t => {
    t.match(
      await proxy.waitForLine(/Not serving this Service/),
      /servicePort="IPv4\/default\/sticky\/TCP" .*no-such-match/,
    )
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    const { stdout } = await network.node.run('iptables-nft-save', ['-t', 'nat'])
    t.notMatch(stdout, /default\/sticky/)
  })

  await t.test('later changes are written without another failure', async t => {
    const from = proxy.lines.length
    folder.write(...objects, makeServiceManifest('later', LATER), sliceOf('later'))
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
    t.equal(await client.tcp(LATER.clusterIP, LATER.port), 'a')
    t.notMatch(proxy.lines.slice(from).join('\n'), /Could not write|Not serving/)
  })

  await t.test('they are served when the kernel accepts their rules', async t => {
    restore.repair()
    await proxy.waitForLine(/refuses no rule of this Service any more" servicePort="IPv4\/default\/sticky/)
    t.equal(await client.tcp(STICKY.clusterIP, STICKY.port), 'a')
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  })
  t.equal(await proxy.stop(), 0)
})

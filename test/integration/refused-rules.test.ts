import t from 'tap'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, WITHOUT_TAP_LOADER, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const STICKY = { clusterIP: '10.96.0.11', port: 80, affinity: true }
const LATER = { clusterIP: '10.96.0.12', port: 80 }

/** Reads the metric of Service ports that are left out. */
async function readRefused(node: NetworkNamespace, family = 'IPv4'): Promise<Record<string, string>> {
  const program = "fetch('http://127.0.0.1:10249/metrics').then(async r => process.stdout.write(await r.text()))"
  const { stdout } = await node.run('env', [...WITHOUT_TAP_LOADER, process.execPath, '-e', program])
  const pattern = new RegExp(`refused_service_ports\\{ip_family="${family}",cause="([^"]+)"\\} (\\d+)`, 'g')
  return Object.fromEntries([...stdout.matchAll(pattern)].map(([, cause, count]) => [cause, count]))
}

for (const mode of ['userspace', 'iptables'])
  void t.test(
    `one Service whose rules the kernel refuses does not keep others from being served (${mode} mode)`,
    { skip: namespacesUnavailable },
    async t => {
      const network = await NodeNetwork.create(t)
      const { ip, ip6 } = await network.addServer('a')
      const client = new NetworkClient(network, (await network.addPod()).namespace)
      const folder = new ManifestFolder(t)
      const makeOdd = (port: number): object[] => [
        makeServiceManifest('odd', { clusterIP: '10.96.0.99', port, otherClusterIPs: ['fd00:96::99'] }),
        makeSliceManifest('odd', [ip], 8080),
        makeSliceManifest('odd', [ip6], 8080),
      ]
      const others = Array.from({ length: 12 }, (_, n) => [
        makeServiceManifest(`web-${n}`, { ...WEB, clusterIP: `10.96.0.${n + 20}` }),
        makeSliceManifest(`web-${n}`, [ip], 8080),
      ]).flat()
      folder.write(...others, ...makeOdd(8181))
      // The program refuses the port, as it would refuse a value that we do not know to be wrong; in IPv4 only.
      const restore = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/--dport 8181/--dport 98181/')
      const args = ['--manifests', folder.path, '--iptables-sync-period=1s']
      const proxy = new ProxyProcess(network, args, restore.env, network.node, mode)

      await t.test('all others are served, and the Service is reported and counted', async t => {
        t.match(
          await proxy.waitForLine(/Not serving this/),
          /servicePort="IPv4\/default\/odd\/TCP" .*98181.*hint="Change what the message quotes/,
        )
        await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
        for (let n = 0; n < 12; n++) t.equal(await client.tcp(`10.96.0.${n + 20}`, WEB.port), 'a')
        t.strictSame(await readRefused(network.node), { kind: '0', rule: '1', unresolved: '0' })
        const { stdout } = await network.node.run('iptables-nft-save', [])
        t.notMatch(stdout, /default\/odd|KUBE-PROXY-PROBE/)
        await proxy.waitForLine(/Synced rules" family="IPv6" changed=true/)
        t.equal(await client.tcp('fd00:96::99', 8181), 'a', 'the other IP family')
      })

      await t.test('later changes are written without another failure', async t => {
        const from = proxy.lines.length
        const later = [makeServiceManifest('later', LATER), makeSliceManifest('later', [ip], 8080)]
        folder.write(...others, ...later, ...makeOdd(8181))
        await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
        t.equal(await client.tcp(LATER.clusterIP, LATER.port), 'a')
        t.notMatch(proxy.lines.slice(from).join('\n'), /Cannot write|Not serving/)
      })

      await t.test('it is served when it changes', async t => {
        folder.write(...others, ...makeOdd(8282))
        await proxy.waitForLine(/refuses no rule of this Service any more" servicePort="IPv4\/default\/odd/)
        t.equal(await client.tcp('10.96.0.99', 8282), 'a')
        t.strictSame(await readRefused(network.node), { kind: '0', rule: '0', unresolved: '0' })
      })

      await t.test('it is left out when it changes back, and served when the kernel accepts it', async t => {
        const from = proxy.lines.length
        folder.write(...others, ...makeOdd(8181))
        await proxy.waitForLine(/Not serving this/, from)
        t.equal(await client.tcp('10.96.0.20', WEB.port), 'a')
        restore.repair()
        // In userspace mode the attempts are half a minute apart.
        if (mode === 'userspace') return
        await proxy.waitForLine(/refuses no rule of this Service any more/, from)
        t.equal(await client.tcp('10.96.0.99', 8181), 'a')
      })
      t.equal(await proxy.stop(), 0)
    },
  )

void t.test(
  'an address of a Service whose rules the kernel refuses does not keep its others from being served',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const { ip } = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', { ...WEB, nodePort: 30181 }), makeSliceManifest('web', [ip], 8080))
    const restore = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/--dport 30181/--dport 98181/')
    const proxy = new ProxyProcess(network, ['--manifests', folder.path], restore.env, network.node, 'userspace')
    t.match(await proxy.waitForLine(/Not serving this address of a Service/), /frontend="node port 30181\/TCP"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.equal(await proxy.stop(), 0)
  },
)

void t.test('a kernel without the match "recent"', { skip: namespacesUnavailable }, async t => {
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
    t.notMatch(proxy.lines.slice(from).join('\n'), /Cannot write|Not serving/)
  })

  await t.test('they are served when the kernel accepts their rules', async t => {
    restore.repair()
    await proxy.waitForLine(/refuses no rule of this Service any more" servicePort="IPv4\/default\/sticky/)
    t.equal(await client.tcp(STICKY.clusterIP, STICKY.port), 'a')
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  })
  t.equal(await proxy.stop(), 0)
})

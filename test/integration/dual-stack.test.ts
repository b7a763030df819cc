import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, otherClusterIPs: ['fd00:96::a'] }
const DNS = { clusterIP: 'fd00:96::53', port: 53, protocol: 'UDP', otherClusterIPs: ['10.96.0.53'] } as const

t.test('both IP families', { skip: namespacesUnavailable }, async t => {
  await t.test('a dual-stack Service is served in both families, each by endpoints of its family', async t => {
    const network = await NodeNetwork.create(t)
    const servers = await Promise.all(['a', 'b'].map(name => network.addServer(name)))
    const v4 = servers.map(({ ip }) => ip)
    const v6 = servers.map(({ ip6 }) => ip6)
    const folder = new ManifestFolder(t)
    const dns = (ips: readonly string[]) => makeSliceManifest('dns', ips, 5353, 'UDP')
    folder.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', v4, 8080),
      makeSliceManifest('web', v6, 8080),
      makeServiceManifest('dns', DNS),
      dns(v4),
      dns(v6),
    )
    const proxy = new ProxyProcess(network, ['--manifests', folder.path])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    await proxy.waitForLine(/Synced rules" family="IPv6"/)
    for (const client of [
      new NetworkClient(network, network.node),
      new NetworkClient(network, (await network.addPod()).namespace),
    ]) {
      for (const ip of [WEB.clusterIP, ...WEB.otherClusterIPs]) {
        t.strictSame([await client.tcp(ip, 80), await client.tcp(ip, 80)].sort(), ['a', 'b'], `TCP to ${ip}`)
      }
      for (const ip of [DNS.clusterIP, ...DNS.otherClusterIPs]) {
        const { answer, from } = await client.udp(ip, 53)
        t.match(answer, /^[ab] 5$/, `UDP to ${ip}`)
        t.equal(from, `${ip}:53`)
      }
    }
    t.equal(await proxy.stop(), 0)
  })

  await t.test('a node with only IPv6 addresses serves IPv6, and its IPv4 rules do no harm', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const outside = await network.addHost()
    await network.node.configure(
      'address del 192.168.50.1/24 dev eth0',
      'address del 10.244.0.1/24 dev cni0',
      'address flush dev host60 scope global to 192.168.0.0/16',
    )
    const folder = new ManifestFolder(t)
    const nodePort = { ...makeServiceManifest('web', { clusterIP: 'fd00:96::a', port: 80 }) } as {
      spec: { ports: object[] }
    }
    nodePort.spec.ports = [{ port: 80, nodePort: 30080 }]
    folder.write(
      nodePort,
      makeSliceManifest('web', [server.ip6], 8080),
      makeServiceManifest('dns', DNS),
      makeSliceManifest('dns', [server.ip6], 5353, 'UDP'),
    )
    const proxy = new ProxyProcess(network, ['--manifests', folder.path])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    await proxy.waitForLine(/Synced rules" family="IPv6"/)
    for (const namespace of [network.node, (await network.addPod()).namespace, outside.namespace]) {
      const client = new NetworkClient(network, namespace)
      t.equal(await client.tcp('fd00:96::a', 80), 'a')
      t.equal(await client.tcp('fd00:50::1', 30080), 'a')
      t.match(await client.udp('fd00:96::53', 53), { answer: 'a 5', from: 'fd00:96::53:53' })
    }
    t.equal(await proxy.stop(), 0)
  })

  await t.test('a failing write of IPv6 rules does not delay IPv4, and is repeated until it succeeds', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', [server.ip], 8080),
      makeSliceManifest('web', [server.ip6], 8080),
    )
    // A jump that all Services need: none of them can be left out instead.
    const restore = new FaultyProgram(t, '/usr/sbin/ip6tables-nft-restore', 's/--dst-type LOCAL/--dst-type NOWHERE/')
    const proxy = new ProxyProcess(network, ['--manifests', folder.path], restore.env)
    await proxy.waitForLine(/Cannot write the rules.* family="IPv6"/)
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    t.equal(await client.tcp('10.96.0.10', 80), 'a')
    const from = proxy.lines.length
    folder.write(
      makeServiceManifest('web', { ...WEB, port: 81 }),
      makeSliceManifest('web', [server.ip], 8080),
      makeSliceManifest('web', [server.ip6], 8080),
    )
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
    t.equal(await client.tcp('10.96.0.10', 81), 'a', 'IPv4 follows changes in the meantime')
    restore.repair()
    await proxy.waitForLine(/Synced rules" family="IPv6" changed=true/)
    t.equal(await client.tcp('fd00:96::a', 81), 'a')
    t.equal(await proxy.stop(), 0)
  })
})

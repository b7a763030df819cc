import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }

t.test('The mode of the proxy', { skip: namespacesUnavailable }, async t => {
  const start = async () => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
    const proxy = (mode: string, env?: NodeJS.ProcessEnv) =>
      new ProxyProcess(network, ['--manifests', folder.path, `--proxy-mode=${mode}`], env)
    const chains = async () => {
      const { stdout } = await network.node.run('iptables-save', [])
      return new Set([...stdout.matchAll(/^:(KUBE-\S+)/gm)].map(([, name]) => name))
    }
    return { network, client, proxy, chains }
  }

  await t.test('each mode takes over from the other and removes all its rules', async t => {
    const { client, proxy, chains } = await start()
    const marks = { userspace: 'KUBE-PORTALS-CONTAINER', iptables: 'KUBE-SERVICES' }
    for (const [mode, other] of [
      ['userspace', 'iptables'],
      ['iptables', 'userspace'],
      ['userspace', 'iptables'],
    ] as const) {
      const running = proxy(mode)
      await running.waitForLine(/Synced rules" family="IPv4"/)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', mode)
      const found = await chains()
      t.ok(found.has(marks[mode]))
      t.notOk(found.has(marks[other]), `no rules of ${other}`)
      t.equal(await running.stop(), 0)
    }
  })

  await t.test('in a list, a mode whose rules the kernel rejects is skipped with a warning', async t => {
    const { client, proxy } = await start()
    const spoiled = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-m statistic/-m nowhere/')
    const running = proxy('iptables,userspace', spoiled.env)
    t.match(await running.waitForLine(/"Serving Services"/), /mode="userspace" not_iptables="IPv4: /)
    await running.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.equal(await running.stop(), 0)
  })

  await t.test('if the first mode of a list is possible, the proxy does not probe the others', async t => {
    const { client, proxy } = await start()
    const running = proxy('iptables,userspace')
    await running.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.notMatch(running.lines.join('\n'), /Data plane|not_/)
    t.equal(await running.stop(), 0)
  })

  await t.test('if the only mode is impossible, the program exits with the reason', async t => {
    const { proxy } = await start()
    const spoiled = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/-m statistic/-m nowhere/')
    const running = proxy('iptables', spoiled.env)
    await running.waitForLine(/MODE_IMPOSSIBLE/)
    t.match(running.lines.join('\n'), /Cannot serve in mode "iptables" on this node: iptables: IPv4: .*nowhere/s)
  })
})

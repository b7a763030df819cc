import t from 'tap'
import { ProgramCallCounter } from '../support/processes/program-call-counter.js'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }

const LEFTOVERS_OF_ANOTHER_MODE = `*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*nat
:OTHERS - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-AQI2S6QIMU7PVVRP - [0:0]
:KUBE-SEP-3JOIVZTXZZRGORX4 - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j OTHERS
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-AQI2S6QIMU7PVVRP
-A KUBE-SVC-AQI2S6QIMU7PVVRP -j KUBE-SEP-3JOIVZTXZZRGORX4
-A KUBE-SEP-3JOIVZTXZZRGORX4 -p tcp -m tcp -j DNAT --to-destination 10.0.1.1:80
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A FORWARD -j KUBE-FORWARD
COMMIT
`

t.test('iptables', { skip: namespacesUnavailable }, async t => {
  await t.test('the proxy uses the back end of the kubelet, and a restart writes nothing there', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
    // The kubelet's hint is in the legacy tables; the nft tables have more rules.
    await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
    for (let i = 0; i < 5; i++) await network.node.run('iptables-nft', ['-A', 'INPUT', '-i', 'lo', '-j', 'ACCEPT'])
    const first = new ProxyProcess(network, ['--manifests', folder.path])
    t.match(await first.waitForLine(/Using iptables/), /backEnd="legacy"/)
    await first.waitForLine(/Synced rules" family="IPv4" changed=true/)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.match((await network.node.run('iptables-legacy-save', ['-t', 'nat'])).stdout, /default\/web/)
    t.notMatch((await network.node.run('iptables-nft-save', [])).stdout, /KUBE/)
    t.equal(await first.stop(), 0)
    const second = new ProxyProcess(network, ['--manifests', folder.path])
    await second.waitForLine(/Synced rules" family="IPv4" changed=false/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.equal(await second.stop(), 0)
  })

  await t.test(
    'leftovers of another kube-proxy mode, and nothing else, are removed after the proxy has written its rules',
    async t => {
      const network = await NodeNetwork.create(t)
      const server = await network.addServer('a')
      const folder = new ManifestFolder(t)
      folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
      await network.node.run('iptables-restore', [], { input: LEFTOVERS_OF_ANOTHER_MODE })
      const proxy = new ProxyProcess(network, ['--manifests', folder.path])
      await proxy.waitForLine(/Removed the rules of another mode" family="IPv4"/)
      const first = proxy.lines.findIndex(line => /Removed the rules/.test(line))
      t.match(proxy.lines.slice(0, first).join('\n'), /"Serving"/, 'the proxy wrote its rules before')
      const { stdout } = await network.node.run('iptables-save', [])
      t.notMatch(stdout, /KUBE-(SERVICES|SVC|SEP|POSTROUTING|MARK-MASQ|PROXY-CANARY)/)
      t.match(stdout, /-A FORWARD .*-j KUBE-FORWARD\n/, 'open connections are let through on')
      t.match(stdout, /-A PREROUTING -j OTHERS\n/)
      t.match(stdout, /-A INPUT -j KUBE-FIREWALL\n/)
      const client = new NetworkClient(network, (await network.addPod()).namespace)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
      t.equal(await proxy.stop(), 0)
      const next = new ProxyProcess(network, ['--manifests', folder.path])
      await next.waitForLine(/Removed the rules of another mode" family="IPv4"/)
      t.notMatch((await network.node.run('iptables-save', [])).stdout, /KUBE-FORWARD/, 'until the next process')
      t.equal(await next.stop(), 0)
    },
  )

  await t.test('a Service change is one iptables-restore, an endpoint change no iptables call', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    const services = Array.from({ length: 50 }, (_, n) =>
      makeServiceManifest(`s${n}`, { clusterIP: `10.96.1.${n}`, port: 80 }),
    )
    folder.write(...services)
    const programs = new ProgramCallCounter(t)
    const proxy = new ProxyProcess(network, ['--manifests', folder.path, '-v=4'], programs.env)
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    // It may still write a test of its monitor, and reads the rules once when the monitor works.
    await proxy.waitForLine(/Watching for changes of rules/)
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=false/)
    t.equal(proxy.lines.filter(line => /family="IPv4" changed=true/.test(line)).length, 1)
    const [restores, saves] = [programs.count('restore'), programs.count('save')]
    for (const ip of ['10.244.0.77', '10.244.0.78', server.ip]) {
      const from = proxy.lines.length
      folder.write(...services, makeSliceManifest('s7', [ip], 8080))
      await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/s7/, from)
    }
    t.equal(programs.count('restore'), restores)
    t.equal(programs.count('save'), saves)
    const from = proxy.lines.length
    folder.write(...services.slice(0, 40), makeServiceManifest('new', { clusterIP: '10.96.2.1', port: 80 }))
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
    t.equal(programs.count('restore'), restores + 1)
    t.equal(await proxy.stop(), 0)
  })

  await t.test('a failing iptables-restore is reported with the wrong line and repeated until it succeeds', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
    // A jump that all Services need: none of them can be left out instead.
    const restore = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/--dst-type LOCAL/--dst-type NOWHERE/')
    const proxy = new ProxyProcess(network, ['--manifests', folder.path], restore.env)
    const line = await proxy.waitForLine(/Cannot write the rules/)
    t.match(line, /IPTABLES_RESTORE_FAILED/)
    t.match(line, /at line \d+: \\"-A PREROUTING -m comment/)
    t.match(line, /retryMs=1000/)
    t.notMatch((await network.node.run('iptables-save', ['-t', 'nat'])).stdout, /KUBE/, 'nothing is half-applied')
    restore.repair()
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(await new NetworkClient(network, network.node).tcp(WEB.clusterIP, WEB.port), 'a')
    t.equal(await proxy.stop(), 0)
  })

  await t.test('the proxy waits for the xtables lock of another program', async t => {
    const network = await NodeNetwork.create(t)
    await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB))
    const holder = network.start(network.node, 'flock', ['/run/xtables.lock', 'sh', '-c', 'echo held; read line'])
    await new Promise(resolve => holder.stdout!.once('data', resolve))
    const proxy = new ProxyProcess(network, ['--manifests', folder.path])
    await proxy.waitForLine(/"Serving"/)
    holder.stdin!.write('done\n')
    await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/)
    t.equal(proxy.lines.filter(line => line.startsWith('E')).length, 0)
    t.equal(await proxy.stop(), 0)
  })
})

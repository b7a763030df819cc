import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))

const skip =
  namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes the kernel continues to serve anyway')

t.test('--on-exit', { skip, timeout: 120_000 }, async t => {
  const start = async () => {
    const network = await NodeNetwork.create(t)
    const servers = [await network.addServer('a'), await network.addServer('b')]
    const pod = await network.addPod()
    const client = new NetworkClient(network, pod.namespace)
    const folder = new ManifestFolder(t)
    const ips = servers.map(({ ip }) => ip)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', ips, 8080))
    const temporary = mkdtempSync(join(tmpdir(), 'kpn-exit-'))
    t.teardown(() => rmSync(temporary, { recursive: true }))
    const proxy = async (onExit: string, ...flags: readonly string[]) => {
      const args = ['--manifests', folder.path, `--on-exit=${onExit}`, '--iptables-min-sync-period=50ms', '-v=3']
      const running = new ProxyProcess(network, [...args, ...flags], { ...process.env, TMPDIR: temporary })
      await running.waitForLine(/Synced rules" family="IPv4"/)
      return running
    }
    const chains = async () => {
      const { stdout } = await network.node.run('iptables-save', [])
      return new Set([...stdout.matchAll(/^:(KUBE-\S+)/gm)].map(([, name]) => name!))
    }
    /** Opens connections from the Pod, two at a time, and counts the outcomes. */
    const load = (count: number) => {
      const args = [LOAD_CLIENT, WEB.clusterIP, String(WEB.port), 'sequential', String(count), '2']
      const child = network.start(pod.namespace, process.execPath, args)
      return once(createInterface({ input: child.stdout! }), 'line').then(
        ([line]) => (JSON.parse(String(line)) as { outcomes: Record<string, number> }).outcomes,
      )
    }
    const failoverFolders = () => readdirSync(temporary).filter(name => name.startsWith('kube-proxy-guard-'))
    return { network, client, folder, ips, proxy, chains, load, temporary, failoverFolders }
  }

  await t.test(
    'kernel: the kernel serves while the proxy is down, and no connection is lost at either switch',
    async t => {
      const { client, proxy, chains, load, failoverFolders } = await start()
      const first = await proxy('kernel')
      const outcomes = load(4000)
      t.equal(await first.stop(), 0)
      const duringFailover = await chains()
      t.ok(duringFailover.has('KUBE-SERVICES'))
      t.notOk(duringFailover.has('KUBE-PORTALS-CONTAINER'))
      t.same(failoverFolders(), [], 'the failover process has ended')
      const ofFailover = first.lines.filter(line => line.includes('route_localnet'))
      t.strictSame(ofFailover, [], 'the kernel tools of the failover log only errors')
      t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
      const second = await proxy('kernel')
      await second.waitForLine(/Removed the rules of another mode" family="IPv4"/)
      t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
      t.notOk((await chains()).has('KUBE-SERVICES'))
      t.same(await outcomes, { answered: 4000 })
      t.equal(await second.stop(), 0)
    },
  )

  await t.test('kernel: the kernel serves too if open connections get no time', async t => {
    const { client, proxy, chains, load } = await start()
    const running = await proxy('kernel', '--drain-timeout=0')
    const outcomes = load(2000)
    t.equal(await running.stop(), 0)
    t.ok((await chains()).has('KUBE-SERVICES'))
    t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
    t.equal((await outcomes)['ECONNREFUSED'], undefined, 'no client was refused')
  })

  await t.test('kernel: after the proxy was killed, the kernel serves what the proxy served last', async t => {
    const { network, client, folder, ips, proxy, chains, temporary, failoverFolders } = await start()
    const first = await proxy('kernel')
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', ips.slice(1), 8080))
    await first.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP" endpoints="[^,"]+"/)
    let [failoverFolder] = failoverFolders()
    const readScript = (): string => {
      const folder = join(temporary, failoverFolder!, 'current')
      if (!existsSync(folder)) return ''
      const names = readdirSync(folder).filter(name => name.endsWith('.text'))
      return names.map(name => readFileSync(join(folder, name), 'utf8')).join('')
    }
    const watcher = watch(join(temporary, failoverFolder!))
    while (!readScript().includes(ips[1]!) || readScript().includes(`${ips[0]}:`)) await once(watcher, 'change')
    watcher.close()
    // The failover process dies first, later all others.
    const children = readFileSync(`/proc/${first.child.pid}/task/${first.child.pid}/children`, 'utf8').trim().split(' ')
    const isShell = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/bin/sh')
    process.kill(Number(children.find(isShell)), 'SIGKILL')
    await first.waitForLine(/"Another failover process runs"/)
    failoverFolder = failoverFolders()[0]
    const temporaryWatcher = watch(temporary)
    for (const pid of children.filter(pid => existsSync(`/proc/${pid}`))) process.kill(Number(pid), 'SIGKILL')
    first.child.kill('SIGKILL')
    while (existsSync(join(temporary, failoverFolder!))) await once(temporaryWatcher, 'change')
    temporaryWatcher.close()
    const chainsAfter = await chains()
    t.ok(chainsAfter.has('KUBE-SERVICES'))
    t.notOk(chainsAfter.has('KUBE-PORTALS-CONTAINER'))
    for (let i = 0; i < 6; i++) t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b')
    t.equal(
      await new NetworkClient(network, network.node).tcp('127.0.0.1', WEB.nodePort),
      'b',
      'a NodePort on loopback',
    )
    const second = await proxy('keep')
    await second.waitForLine(/Removed the rules of another mode" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'b')
    t.equal(await second.stop(), 0)
  })

  await t.test('kernel: a proxy that ends before its first sync leaves the rules unchanged', async t => {
    const { network, client, proxy, chains } = await start()
    t.equal(await (await proxy('kernel')).stop(), 0)
    const unreachable = new ProxyProcess(network, ['--master=http://127.0.0.1:1', '--on-exit=kernel'])
    await unreachable.waitForLine(/API_UNREACHABLE/)
    t.equal(await unreachable.stop(), 0)
    t.ok((await chains()).has('KUBE-SERVICES'))
    t.match(await client.tcp(WEB.clusterIP, WEB.port), /^[ab]$/)
  })

  await t.test('keep: the rules stay unchanged; cleanup: none is left', async t => {
    const { proxy, chains } = await start()
    t.equal(await (await proxy('keep')).stop(), 0)
    t.ok((await chains()).has('KUBE-PORTALS-CONTAINER'))
    const last = await proxy('cleanup')
    t.equal(await last.stop(), 0)
    t.same([...(await chains())], [])
  })
})

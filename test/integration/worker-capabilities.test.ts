import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { readyWorkersOf, workersOf } from '../support/processes/children-of.js'
import { LimitedNode } from '../support/processes/few-capabilities.js'
import { OwnPath } from '../support/processes/own-path.js'
import { NO_CAPABILITIES, rightsOf } from '../support/processes/process-rights.js'
import { PROXY_MODE, skipUnlessMode } from '../support/processes/proxy-mode.js'
import { PROXY_PROGRAM, ProxyProcess } from '../support/processes/proxy-process.js'
import { withoutCapabilities } from '../../lib/system/without-capabilities.js'

const skip =
  namespacesUnavailable || skipUnlessMode(['userspace'], 'other modes have no workers') || skipUnlessReadable()
/** Only root, or a process with NET_BIND_SERVICE, may open it. */
const ADMIN = { clusterIP: '10.96.0.20', port: 443, nodePort: 443 }
const KEPT = /Data-plane workers keep the capabilities of the control process" reason="((?:\\.|[^"\\])*)"/
const skipSetcap = spawnSync('setcap', ['-h']).error === undefined ? false : 'setcap is not installed'
const THIS_FILE = fileURLToPath(import.meta.url)

/** Root without capabilities is one of many users: it may not read what is in the home folder of another one. */
function skipUnlessReadable(): string | false {
  const options = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
  const { status } = spawnSync('setpriv', [...options, 'head', '-qc1', process.execPath, PROXY_PROGRAM])
  return status === 0
    ? false
    : `root without capabilities cannot read ${PROXY_PROGRAM}; use a folder that all users may read`
}

function checkWorkers(t: Test, pid: number, count: number): void {
  const workers = workersOf(pid)
  t.equal(workers.length, count)
  for (const worker of workers) t.match(rightsOf(worker), NO_CAPABILITIES)
}

/** Both protocols, by ClusterIP and node port; one node port is below 1024. */
async function checkTraffic(t: Test, { client, web, dns, nodeIP }: ServiceNode): Promise<void> {
  for (const [ip, port] of [
    [web.clusterIP, web.port],
    [nodeIP, web.nodePort],
    [ADMIN.clusterIP, ADMIN.port],
    [nodeIP, ADMIN.nodePort],
  ] as const)
    t.match(await client.tcp(ip, port), /^[ab]$/, `${ip}:${port}`)
  t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab]/ })
}

async function createNode(t: Test): Promise<ServiceNode> {
  const node = await ServiceNode.create(t, ['--data-plane-workers=2'])
  node.write(node.ips, makeServiceManifest('admin', ADMIN), makeSliceManifest('admin', node.ips, 8080))
  return node
}

t.test('Workers of a proxy with all rights have no capability, and serve all the same', { skip }, async t => {
  const node = await createNode(t)
  const proxy = await node.start()
  t.not(rightsOf(proxy.child.pid!).sets[2], 0n)
  checkWorkers(t, proxy.child.pid!, 2)
  await checkTraffic(t, node)

  await t.test('a worker that replaces a killed one has none either', async t => {
    const [killed] = workersOf(proxy.child.pid!) as [number]
    process.kill(killed, 'SIGKILL')
    await waitUntil(() => {
      const workers = readyWorkersOf(proxy.child.pid!)
      return workers.length === 2 && !workers.includes(killed)
    }, 'there is another one, and it is no longer setpriv')
    checkWorkers(t, proxy.child.pid!, 2)
    await checkTraffic(t, node)
  })

  await t.test('the control process can read what they use', async t => {
    const files = await node.run(`fetch('http://127.0.0.1:10249/metrics').then(r => r.text()).then(console.log)`)
    for (const worker of [0, 1]) t.match(files, new RegExp(`^process_open_fds\\{worker="${worker}"\\} \\d+$`, 'm'))
  })

  await t.test('they serve open connections after a hand-over, beside those of the next proxy', async t => {
    const connection = await node.connect()
    const second = await node.start()
    await proxy.waitForLine(/"Standing by/)
    checkWorkers(t, second.child.pid!, 2)
    t.equal(await connection.send('still open'), 'still open')
    await checkTraffic(t, node)
    connection.end()
    await stop(t, proxy)
    await stop(t, second)
  })
})

async function stop(t: Test, proxy: ProxyProcess): Promise<void> {
  t.equal(await proxy.stop(), 0)
}

t.test('With few capabilities', { skip }, async t => {
  const capabilities = ['net_admin', 'setpcap']
  const node = await LimitedNode.create(t, { mode: 'userspace', backEnd: 'nft', capabilities })

  await t.test('workers have none, if SETPCAP is among those of the proxy', async t => {
    const { child, log, stop } = node.start()
    await log.waitFor(/"Synced rules" family="IPv4"/)
    checkWorkers(t, child.pid!, 1)
    await node.checkTraffic(t)
    await stop()
  })

  await t.test('workers of another user than root have none', async t => {
    const { child, log, stop } = node.start('setpcap', 'other')
    await log.waitFor(/"Synced rules" family="IPv4"/)
    const [worker] = workersOf(child.pid!) as [number]
    // Its bounding set is that of the proxy: without new privileges it has no use.
    t.match(rightsOf(worker), { sets: [0n, 0n, 0n, rightsOf(child.pid!).sets[3], 0n], noNewPrivileges: true })
    t.equal(rightsOf(worker).userId, 65534)
    await node.checkTraffic(t)
    await stop()
  })

  await t.test('workers keep those of the proxy without SETPCAP, and the log says so', async t => {
    const { child, log, stop } = node.start('setpcap')
    t.match(KEPT.exec(await log.waitFor(KEPT))![1], /SETPCAP/)
    await log.waitFor(/"Synced rules" family="IPv4"/)
    const [worker] = workersOf(child.pid!) as [number]
    t.same(rightsOf(worker).sets, rightsOf(child.pid!).sets)
    await node.checkTraffic(t)
    await stop()
  })
})

t.test('Workers keep the capabilities of the proxy', { skip }, async t => {
  await t.test('without the program setpriv', async t => {
    const node = await createNode(t)
    const path = new OwnPath(t)
    path.remove('setpriv')
    const proxy = await node.start([], path.env)
    t.match(KEPT.exec(await proxy.waitForLine(KEPT))![1], /no such program in PATH/)
    await checkTraffic(t, node)
    t.equal(await proxy.stop(), 0)
  })

  await t.test('with another setpriv, which does not have its options', async t => {
    const path = new OwnPath(t)
    path.replace('setpriv', 'echo "setpriv: unrecognized option: bounding-set" >&2; exit 1')
    const before = process.env['PATH']
    process.env['PATH'] = path.env['PATH']
    t.teardown(() => (process.env['PATH'] = before))
    const obstacle = { reason: /unrecognized option/, isExpected: false }
    t.match(await withoutCapabilities(THIS_FILE), { words: [], obstacle })
  })

  await t.test('if root could not read its own program without them', async t => {
    const folder = t.testdir({})
    const file = join(folder, 'program.js')
    writeFileSync(file, '')
    chownSync(folder, 65534, 65534)
    chmodSync(folder, 0o700)
    const obstacle = { reason: /EACCES: permission denied/, isExpected: false }
    t.match(await withoutCapabilities(file), { words: [], obstacle })
    chmodSync(folder, 0o755)
    const found = await withoutCapabilities(file)
    t.match([found.words[0], found.obstacle], ['setpriv', undefined])
  })

  const ofNode = 'if the file of Node.js has capabilities, without which the kernel does not start it'
  await t.test(ofNode, { skip: skipSetcap }, async t => {
    const node = await createNode(t)
    const program = join(t.testdir({}), 'node')
    copyFileSync(process.execPath, program)
    const { stderr } = spawnSync('setcap', ['cap_net_bind_service=+ep', program], { encoding: 'utf8' })
    t.equal(stderr, '')
    const flags = ['--manifests', node.manifests.path]
    const proxy = new ProxyProcess(node.network, flags, process.env, node.network.node, PROXY_MODE, [], program)
    const kept = await proxy.waitForLine(KEPT)
    t.match(kept, /^W/)
    t.match(KEPT.exec(kept)![1], /Operation not permitted/)
    await proxy.waitForLine(node.synced)
    await checkTraffic(t, node)
    t.equal(await proxy.stop(), 0)
  })
})

import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PersistentConnection } from '../support/pods/persistent-connection.js'
import { workersOf } from '../support/processes/children-of.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30080 }
const LOG_TIMEOUT_MS = 30_000 * TIMEOUT_FACTOR
const skip = namespacesUnavailable

/** A node with a Pod and a Service in manifests, and a proxy that has a configuration file. */
async function setUp(t: Test) {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('a')
  const { namespace } = await network.addPod()
  const manifests = new ManifestFolder(t)
  manifests.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'config')
  /** Replaces the file as a whole. */
  const write = (fields: string): void => {
    const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'
    writeFileSync(
      join(folder, 'draft'),
      `${head}userspace: {manifests: ["${manifests.path}"], dataPlaneWorkers: 1}\n${fields}\n`,
    )
    renameSync(join(folder, 'draft'), path)
  }
  const start = (...flags: string[]) => {
    const child = network.start(network.node, process.execPath, [PROXY_PROGRAM, `--config=${path}`, ...flags])
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    return { child, log, ended: once(child, 'exit') as Promise<[number | null]> }
  }
  const client = new NetworkClient(network, namespace)
  const connect = () => new PersistentConnection(network, namespace, WEB.clusterIP, WEB.port)
  const status = async (url: string) => {
    const program = `fetch('${url}').then(r => console.log(r.status), error => console.log(error.cause.code))`
    return (await network.node.run(process.execPath, ['-e', program])).stdout.trim()
  }
  /** Another program on the node that listens. */
  const hold = async (port: number, host: string) => {
    const program = `require('net').createServer().listen(${port}, '${host}', () => console.log('held'))`
    const holder = network.start(network.node, process.execPath, ['-e', program])
    await once(holder.stdout!, 'data')
    return holder
  }
  return { network, folder, path, write, start, client, connect, status, hold }
}

t.test('what can change in a running proxy does, and open connections continue', { skip }, async t => {
  const { network, write, start, client, connect, status } = await setUp(t)
  write('mode: userspace\nlogging: {verbosity: 2}')
  const { child, log, ended } = start()
  await log.waitFor(/Synced rules" family="IPv4"/)
  t.equal(await status('http://127.0.0.1:10249/metrics'), '200')
  const connection = connect()
  t.equal(await connection.send('echo'), 'echo')

  let from = log.lines.length
  write('mode: userspace\nlogging: {verbosity: 3}\nmetricsBindAddress: 127.0.0.1:9249\nnodePortAddresses: [primary]')
  t.match(await log.waitFor(/"Configuration changed"/, from), /options="nodeport-addresses metrics-bind-address v"/)
  await log.waitFor(/Serving metrics over HTTP" address="127\.0\.0\.1:9249"/, from)
  t.equal(await status('http://127.0.0.1:9249/metrics'), '200')
  t.equal(await status('http://127.0.0.1:10249/metrics'), 'ECONNREFUSED')
  const configz = `fetch('http://127.0.0.1:9249/configz').then(r => r.text()).then(console.log)`
  t.match((await network.node.run(process.execPath, ['-e', configz])).stdout, /9249/, 'the new configuration is shown')
  await log.waitFor(/Synced rules" family="IPv4" changed=true/, from)

  // The workers log each connection at level 3.
  from = log.lines.length
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  await log.waitFor(/"Connect/, from)
  t.equal(await connection.send('still there'), 'still there')
  connection.end()

  const [worker] = workersOf(child.pid!)
  from = log.lines.length
  process.kill(worker!, 'SIGKILL')
  await log.waitFor(/"A data-plane worker exited/, from)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  await log.waitFor(/"Connect/, from)
  t.notSame(workersOf(child.pid!), [worker], 'the worker that has replaced it logs them, too')
  child.kill('SIGTERM')
  t.equal((await ended)[0], 0)
})

t.test('a file with mistakes changes nothing and is reported once; a corrected one is used', { skip }, async t => {
  const { write, path, start, client } = await setUp(t)
  write('mode: userspace\nlogging: {verbosity: 2}')
  const { child, log, ended } = start()
  await log.waitFor(/Synced rules" family="IPv4"/)
  const from = log.lines.length
  write('mode: ebpf\nmetricsBindAddress: 127.0.0.1:9249\nlogging: {verbosity: many}')
  const error = await log.waitFor(/Configuration file not used: the last good configuration stays/, from)
  t.match(error, /CONFIG_INVALID/)
  t.match(error, /config:4: mode \\"ebpf\\".*config:6: logging\.verbosity \\"many\\"/s)
  // The same mistakes again.
  writeFileSync(path, readFileSync(path))
  rmSync(path)
  await log.waitFor(/Cannot read the configuration file/, from)
  write('mode: userspace\nlogging: {verbosity: 2}\nhealthzBindAddress: 127.0.0.1')
  await log.waitFor(/"Configuration changed".*options="healthz-bind-address"/, from)
  const reports = log.lines.slice(from).filter(line => line.includes('mode \\"ebpf\\"'))
  t.equal(reports.length, 1)
  t.notMatch(log.lines.slice(from).join('\n'), /9249/)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  child.kill('SIGTERM')
  t.equal((await ended)[0], 0)
})

t.test('any other change ends the program with code 1 after open connections have ended', { skip }, async t => {
  const { write, start, client, connect } = await setUp(t)
  write('mode: userspace\nlogging: {verbosity: 2}')
  const first = start()
  await first.log.waitFor(/Synced rules" family="IPv4"/)
  const connection = connect()
  t.equal(await connection.send('echo'), 'echo')
  write('mode: iptables\nlogging: {verbosity: 2}')
  await first.log.waitFor(/Draining|accepting new connections until the open ones have ended/)
  t.equal(await connection.send('not cut'), 'not cut')
  connection.end()
  t.equal((await first.ended)[0], 1)
  t.match(first.log.lines.join('\n'), /The configuration file ".*config" has changed: proxy-mode/)
  t.match(first.log.lines.join('\n'), /CONFIG_CHANGED/)
  const second = start()
  await second.log.waitFor(/Synced rules" family="IPv4"/)
  t.match(second.log.lines.join('\n'), /"Serving Services" mode="iptables"/)
  t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
  second.child.kill('SIGTERM')
  t.equal((await second.ended)[0], 0)
})

t.test('--cleanup and --init-only work beside --config, and end the program', { skip }, async t => {
  const { network, write, start } = await setUp(t)
  write('mode: userspace\nlogging: {verbosity: 2}\nconntrack: {udpTimeout: 77s}')
  const init = start('--init-only')
  t.equal((await init.ended)[0], 0, init.log.lines.join('\n'))
  const udpTimeout = async () =>
    (await network.node.run('cat', ['/proc/sys/net/netfilter/nf_conntrack_udp_timeout'])).stdout.trim()
  t.equal(await udpTimeout(), '77')
  t.notMatch((await network.node.run('iptables-save', [])).stdout, /KUBE/, 'it writes no rule')

  const proxy = start('--on-exit=keep', '--cluster-cidr=10.0.0.0/8')
  await proxy.log.waitFor(/Synced rules" family="IPv4"/)
  t.match(proxy.log.lines.join('\n'), /Flags without effect beside --config.*flags="--cluster-cidr"/)
  proxy.child.kill('SIGTERM')
  t.equal((await proxy.ended)[0], 0)
  t.match(
    (await network.node.run('iptables-save', [])).stdout,
    /KUBE/,
    'a flag that kube-proxy does not have overrides the file',
  )
  t.equal((await start('--cleanup').ended)[0], 0)
  t.notMatch((await network.node.run('iptables-save', [])).stdout, /KUBE-PORTALS/)
})

t.test('with bindAddressHardFail, a port that is not free ends the program', { skip }, async t => {
  const { write, start, hold } = await setUp(t)
  await hold(10256, '0.0.0.0')
  write('mode: userspace\nbindAddressHardFail: true')
  const { log, ended } = start()
  t.equal((await ended)[0], 1)
  t.match(log.lines.join('\n'), /HTTP_BIND_FAILED/)
})

t.test(
  'a server whose new port is not free serves at its old address, even with bindAddressHardFail',
  { skip },
  async t => {
    const { write, start, hold, status } = await setUp(t)
    const fields = 'mode: userspace\nbindAddressHardFail: true\nlogging: {verbosity: 2}'
    write(fields)
    const { child, log, ended } = start()
    await log.waitFor(/Synced rules" family="IPv4"/)
    const holder = await hold(9256, '127.0.0.1')
    let from = log.lines.length
    write(`${fields}\nhealthzBindAddress: 127.0.0.1:9256`)
    t.match(
      await log.waitFor(/Cannot bind the port for healthz; retrying until it works/, from),
      /on \\"127\.0\.0\.1:9256\\".*code="HTTP_BIND_FAILED".* servingOn="0\.0\.0\.0:10256"/,
    )
    t.equal(await status('http://127.0.0.1:10256/livez'), '200')
    holder.kill('SIGKILL')
    await log.waitFor(/Serving healthz over HTTP" address="127\.0\.0\.1:9256"/, from)
    t.equal(await status('http://127.0.0.1:9256/livez'), '200')
    t.equal(await status('http://127.0.0.1:10256/livez'), 'ECONNREFUSED')

    await hold(10249, NODE_IP)
    from = log.lines.length
    write(`${fields}\nhealthzBindAddress: 127.0.0.1:9256\nmetricsBindAddress: 0.0.0.0:10249`)
    t.match(
      await log.waitFor(/Cannot move the HTTP servers/, from),
      /metrics on \\"0\.0\.0\.0:10249\\".*code="HTTP_BIND_FAILED".* servingOn="127\.0\.0\.1:10249"/,
    )
    await log.waitFor(/Serving metrics over HTTP" address="127\.0\.0\.1:10249"/, from)
    t.equal(await status('http://127.0.0.1:10249/metrics'), '200')
    t.equal(await status('http://127.0.0.1:9256/livez'), '200')
    child.kill('SIGTERM')
    t.equal((await ended)[0], 0)
  },
)

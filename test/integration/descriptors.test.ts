import { readdirSync } from 'node:fs'
import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
const SERVICES = 500

/** The proxy may open this many files. */
const FILE_LIMIT = 300

for (const workers of [1, 0]) {
  t.test(
    `more Services than files: rules are written, what fits is served, and all is well when they are gone (${workers} workers)`,
    { skip: namespacesUnavailable },
    async t => {
      const network = await NodeNetwork.create(t)
      const server = await network.addServer('a')
      const folder = new ManifestFolder(t)
      const web = [makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080)]
      folder.write(...web)
      const { child, log } = startWithFewFiles(network, folder, FILE_LIMIT, `--data-plane-workers=${workers}`)
      let from = 0
      /** Waits for a line after the one that was waited for last. */
      const waitForLine = async (pattern: RegExp) => {
        from = log.lines.indexOf(await log.waitFor(pattern, from), from) + 1
      }
      await waitForLine(/Synced rules/)
      const client = new NetworkClient(network, network.node)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')

      const many = Array.from({ length: SERVICES }, (_, n) => [
        makeServiceManifest(`many-${n}`, { clusterIP: `10.96.${10 + (n >> 8)}.${n & 255}`, port: 80 }),
        makeSliceManifest(`many-${n}`, [server.ip], 8080),
      ])
      folder.write(...web, ...many.flat())
      await waitForLine(/Service ports are not served/)
      await waitForLine(/Synced rules/)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'the Service that was there is served')
      t.equal(await client.tcp('10.96.10.0', 80), 'a', 'another one, too')

      const late = { clusterIP: '10.96.0.11', port: 80 }
      folder.write(...web, makeServiceManifest('late', late), makeSliceManifest('late', [server.ip], 8080))
      await waitForLine(/default\/late/)
      await waitForLine(/Synced rules/)
      for (const { clusterIP, port } of [WEB, late]) t.equal(await client.tcp(clusterIP, port), 'a')
      t.equal(log.lines.filter(line => line.includes('DESCRIPTORS_EXHAUSTED')).length, 1, 'one line says so')
      t.notOk(log.lines.some(line => /PROGRAM_FAILED|EMFILE(?!: this process may have)/.test(line)))
      t.equal(child.exitCode, null)
    },
  )
}

t.test(
  'with every place for connections and HTTP clients taken, the proxy has files left to write rules and to answer the kubelet',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const hosts = [await network.addPod(), await network.addPod()]
    const folder = new ManifestFolder(t)
    const web = [makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080)]
    folder.write(...web)
    // Without workers, rules and connections share one limit of files.
    const flags = ['--data-plane-workers=0', '--metrics-bind-address=0.0.0.0:10249']
    const { child, log } = startWithFewFiles(network, folder, FILE_LIMIT, ...flags)
    await log.waitFor(/Synced rules/)
    const openFiles = () => readdirSync(`/proc/${child.pid}/fd`).length
    const idle = openFiles()
    for (const { namespace } of hosts)
      network.start(namespace, process.execPath, [
        '-e',
        `const { connect } = require('net')
         const targets = [[80, '${WEB.clusterIP}', 150], [10256, '${NODE_IP}', 20], [10249, '${NODE_IP}', 20]]
         for (const [port, host, count] of targets)
           for (let n = 0; n < count; n++) connect({ port, host, allowHalfOpen: true }).on('error', () => 0)`,
      ])
    // 32 HTTP clients on each port, and most of the 204 files for connections: the last ones are for clients that come later.
    const most = idle + 2 * 32 + 160
    await waitUntil(() => openFiles() >= most, `${most} files are open`)

    const before = log.lines.length
    const late = { clusterIP: '10.96.0.11', port: 80 }
    folder.write(...web, makeServiceManifest('late', late), makeSliceManifest('late', [server.ip], 8080))
    await log.waitFor(/Synced rules/, before)
    t.notOk(log.lines.slice(before).some(line => line.includes('EMFILE')))
    const probe = await network.node.run(process.execPath, [
      '-e',
      `fetch('http://${NODE_IP}:10256/healthz').then(({ status }) => console.log(status))`,
    ])
    t.equal(probe.stdout.trim(), '200')
  },
)

for (const workers of [1, 2])
  t.test(
    `with 400 files for each of ${workers} workers, idle connections to one Service leave room for other Services, TCP and UDP`,
    { skip: namespacesUnavailable },
    async t => {
      const network = await NodeNetwork.create(t)
      const server = await network.addServer('a')
      const { namespace } = await network.addPod()
      const folder = new ManifestFolder(t)
      const dns = { clusterIP: '10.96.0.12', port: 53, protocol: 'UDP' } as const
      folder.write(
        makeServiceManifest('web', WEB),
        makeSliceManifest('web', [server.ip], 8080),
        makeServiceManifest('greedy', { clusterIP: '10.96.0.11', port: 80 }),
        makeSliceManifest('greedy', [server.ip], 8080),
        makeServiceManifest('dns', dns),
        makeSliceManifest('dns', [server.ip], 5353, 'UDP'),
      )
      const { log } = startWithFewFiles(network, folder, 400, `--data-plane-workers=${workers}`)
      await log.waitFor(/Synced rules" family="IPv4"/)
      const hog = network.start(namespace, process.execPath, [
        '-e',
        `let refused = 0
       for (let n = 0; n < ${600 * workers}; n++)
         require('net').connect({ port: 80, host: '10.96.0.11', allowHalfOpen: true })
           .on('error', () => 0)
           .on('close', () => ++refused === ${400 * workers} && console.log('full'))`,
      ])
      await new Promise(resolve => hog.stdout!.once('data', resolve))
      const client = new NetworkClient(network, namespace)
      for (let n = 0; n < 20; n++) t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
      for (let n = 0; n < 5; n++) t.equal((await client.udp(dns.clusterIP, dns.port)).answer, 'a 5')
      const shortages = () => log.lines.filter(line => line.includes('File descriptors are short'))
      await waitUntil(() => shortages().length > 0, 'the log says so')
      t.equal(shortages().length, 1, 'one line says so, for all workers')
      t.match(shortages()[0], /limit="?400"? .*service="default\/greedy".*LimitNOFILE/)
    },
  )

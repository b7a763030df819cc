import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { MEMORY_CHAIN } from '../modes/memory/plan.js'

const ENTRY = fileURLToPath(new URL('../modes/memory/kube-proxy-entry.js', import.meta.url))
const LOG_TIMEOUT_MS = 60_000
const WEB = { clusterIP: '10.96.0.10', port: 80 }

t.test('A mode that only its own folder and the list of modes know', { skip: namespacesUnavailable }, async t => {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('a')
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  const folder = new ManifestFolder(t)
  folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
  const chains = async () => {
    const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
    return [...stdout.matchAll(/^:(KUBE-\S+)/gm)].map(([, name]) => name)
  }

  await t.test('serves a Service in a real kernel, and says its name', async t => {
    const child = network.start(network.node, process.execPath, [ENTRY, folder.path])
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    t.match(await log.waitFor(/"Serving Services"/), /mode="memory"/)
    await log.waitFor(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.same(await chains(), [MEMORY_CHAIN])
    const { stdout } = await network.node.run(process.execPath, [
      '-e',
      "fetch('http://127.0.0.1:10249/proxyMode').then(async r => process.stdout.write(await r.text()))",
    ])
    t.equal(stdout, 'memory')
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    t.same(await ended, [0, null])
    t.same(await chains(), [MEMORY_CHAIN], 'the rules stay, as in the other kernel modes')
  })

  await t.test('takes over from a mode of the registry, and leaves nothing of it', async t => {
    const before = new ProxyProcess(network, ['--manifests', folder.path, '--proxy-mode=iptables'])
    await before.waitForLine(/Synced rules" family="IPv4"/)
    t.ok((await chains()).includes('KUBE-SERVICES'))
    t.equal(await before.stop(), 0)
    const child = network.start(network.node, process.execPath, [ENTRY, folder.path])
    await new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS).waitFor(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    t.same(await chains(), [MEMORY_CHAIN])
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  })
})

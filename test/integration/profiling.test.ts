import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'other modes have no workers')
const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
/** Asks each URL of the arguments; prints an array of status and body in Base64. */
const ASK = `Promise.all(process.argv.slice(1).map(async url => { const r = await fetch(url); return [r.status, Buffer.from(await r.arrayBuffer()).toString('base64')] })).then(all => console.log(JSON.stringify(all)))`

t.test('profiles of the control process and of a worker, only with --profiling', { skip }, async t => {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('web')
  const { namespace: client } = await network.addPod()
  const manifests = new ManifestFolder(t)
  manifests.write(
    makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }),
    makeSliceManifest('web', [server.ip], 8080),
  )
  const start = async (...args: readonly string[]) => {
    const proxy = new ProxyProcess(network, ['--manifests', manifests.path, '--data-plane-workers=1', ...args])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    return proxy
  }
  const get = async (path: string): Promise<{ status: number; body: Buffer }> => {
    const { stdout } = await network.node.run(process.execPath, [
      '-e',
      ASK,
      `http://127.0.0.1:10249/debug/pprof/${path}`,
    ])
    const [[status, body]] = JSON.parse(stdout) as [[number, string]]
    return { status, body: Buffer.from(body, 'base64') }
  }
  /** The kinds of values of a profile, and the files whose functions it names. */
  const getProfile = async (path: string) => {
    const { status, body } = await get(path)
    t.equal(status, 200, path)
    const { function: functions, stringTable, sampleType } = Profile.decode(gunzipSync(body))
    const text = (index: number | bigint): string => stringTable.strings[Number(index)]!
    const files = functions.map(({ filename }) => text(filename)).join(' ')
    return { values: sampleType.map(({ type }) => text(type)).join(), files }
  }
  const proxy = await start('--profiling')
  t.match((await get('')).body.toString(), 'worker=0')
  for (const path of ['heap', 'heap?worker=0']) t.equal((await getProfile(path)).values, 'inuse_space')
  t.equal((await getProfile('profile?seconds=1')).values, 'samples,cpu')
  const [ofWorker] = await Promise.all([
    getProfile('profile?seconds=3&worker=0'),
    client.run(process.execPath, [LOAD_CLIENT, '10.96.0.10', '80', 'sequential', '2000', '8']),
  ])
  t.match(ofWorker.files, /\/lib\/dataplane\/tcp\//, 'the worker carries the traffic')
  t.equal((await get('heap?worker=1')).status, 404)
  t.equal(await proxy.stop(), 0)
  const other = await start()
  t.equal((await get('heap')).status, 404)
  t.equal(await other.stop(), 0)
})

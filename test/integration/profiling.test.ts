import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { CARRIED_BY_SOCKETS } from '../support/processes/proxy-mode.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
/** Pause between two changes for the control process. */
const CHANGE_PERIOD_MS = 100
/** Asks each URL of the arguments; prints an array of status and body in Base64. */
const ASK = `Promise.all(process.argv.slice(1).map(async url => { const r = await fetch(url); return [r.status, Buffer.from(await r.arrayBuffer()).toString('base64')] })).then(all => console.log(JSON.stringify(all)))`

t.test(
  'profiles of the control process and of workers, only with --profiling',
  { skip: namespacesUnavailable },
  async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('web')
    const { namespace: client } = await network.addPod()
    const manifests = new ManifestFolder(t)
    const write = (...endpoints: readonly string[]) =>
      manifests.write(
        makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }),
        makeSliceManifest('web', endpoints, 8080),
      )
    write(server.ip)
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
    const workers = CARRIED_BY_SOCKETS ? [0] : []
    t.strictSame(
      [...(await get('')).body.toString().matchAll(/heap\?worker=(\d+)/g)].map(([, worker]) => Number(worker)),
      workers,
    )
    for (const path of ['heap', ...workers.map(worker => `heap?worker=${worker}`)])
      t.equal((await getProfile(path)).values, 'inuse_space')
    let isTaken = false
    const change = async () => {
      for (let turn = 0; !isTaken; turn++) {
        write(...[server.ip, '10.244.0.99'].slice(turn % 2))
        await delay(CHANGE_PERIOD_MS)
      }
    }
    const [ofControl] = await Promise.all([getProfile('profile?seconds=2').finally(() => (isTaken = true)), change()])
    t.equal(ofControl.values, 'samples,cpu')
    t.match(ofControl.files, /\/lib\//, 'the control process takes the changes')
    if (CARRIED_BY_SOCKETS) {
      write(server.ip)
      const [ofWorker] = await Promise.all([
        getProfile('profile?seconds=3&worker=0'),
        client.run(process.execPath, [LOAD_CLIENT, '10.96.0.10', '80', 'sequential', '2000', '8']),
      ])
      t.match(ofWorker.files, /\/lib\/dataplane\/tcp\//, 'the worker carries the traffic')
    }
    t.equal((await get(`heap?worker=${workers.length}`)).status, 404)
    t.equal(await proxy.stop(), 0)
    const other = await start()
    t.equal((await get('heap')).status, 404)
    t.equal(await other.stop(), 0)
  },
)

import { basename } from 'node:path'
import t, { type Test } from 'tap'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { CARRIED_BY_SOCKETS, PROXY_MODE } from '../support/processes/proxy-mode.js'
import { isRunning, stateOf, workersOf } from '../support/processes/children-of.js'
import { OwnPath } from '../support/processes/own-path.js'
import { ProxyProcess, SPIN_ON_SIGNAL } from '../support/processes/proxy-process.js'
import { FREQUENT_SYNCS } from '../support/processes/scraped-proxy.js'

const skip = namespacesUnavailable || (!CARRIED_BY_SOCKETS && 'kernel modes have no workers')
/** Asks each URL of the arguments after the first two; prints an array of status and body. */
const ASK = `Promise.all(process.argv.slice(1).map(async url => { const r = await fetch(url); return [r.status, await r.text()] })).then(all => console.log(JSON.stringify(all)))`

/** A proxy with two workers, and what it says about its health. */
async function start(t: Test) {
  const network = await NodeNetwork.create(t)
  const manifests = new ManifestFolder(t)
  manifests.write(
    makeServiceManifest('web', { clusterIP: '10.96.0.10', port: 80 }),
    makeSliceManifest('web', ['10.244.0.9'], 80),
  )
  const args = ['--manifests', manifests.path, '--data-plane-workers=2']
  const proxy = new ProxyProcess(network, args, process.env, undefined, undefined, SPIN_ON_SIGNAL)
  await proxy.waitForLine(/Synced rules" family="IPv4"/)
  const ask = async () => {
    const urls = [':10256/healthz', ':10256/livez', ':10249/metrics'].map(rest => `http://127.0.0.1${rest}`)
    const { stdout } = await network.node.run(process.execPath, ['-e', ASK, ...urls])
    const [healthz, livez, metrics] = JSON.parse(stdout) as [number, string][]
    return {
      statuses: [healthz![0], livez![0]],
      problems: (JSON.parse(healthz![1]) as { problems?: string[] }).problems,
      gauge: /^kubeproxy_proxy_healthy\{part="data_plane"\} (.)$/m.exec(metrics![1])?.[1],
    }
  }
  const workers = () => workersOf(proxy.child.pid!)
  return { proxy, ask, workers }
}

t.test(
  `in ${PROXY_MODE} mode each path answers, and probes fail while changes cannot be written`,
  { skip: namespacesUnavailable },
  async t => {
    const path = new OwnPath(t)
    const node = await ServiceNode.create(t, FREQUENT_SYNCS)
    const proxy = await node.start([], path.env)
    t.strictSame(await node.probe(), [200, 200, 200])
    const urls = ['healthz', 'proxyMode', 'statusz'].map(name => `http://127.0.0.1:10249/${name}`)
    const { stdout } = await node.network.node.run(process.execPath, ['-e', ASK, ...urls])
    const [healthz, proxyMode, statusz] = JSON.parse(stdout) as [number, string][]
    t.strictSame(healthz, [200, 'ok'])
    t.strictSame(proxyMode, [200, PROXY_MODE])
    t.match(statusz, [200, /^Paths: .*\/metrics .*\/statusz/m])

    const from = proxy.lines.length
    const program = PROXY_MODE === 'ipvs' ? 'ipvsadm' : basename(await node.restoreProgram())
    path.replace(program, 'cat > /dev/null; echo "Memory allocation problem" >&2; exit 4')
    const late = makeServiceManifest('late', { clusterIP: '10.96.0.20', port: 80 })
    node.write(node.ips, late, makeSliceManifest('late', node.ips, 8080))
    await proxy.waitForLine(/"The proxy is not healthy.* problem="changes wait too long/, from)
    t.strictSame(await node.probe(), [503, 503, 503], 'a restart may help, as for kube-proxy')
    path.restore(program)
    await proxy.waitForLine(/"The proxy is healthy again"/, from)
    t.strictSame(await node.probe(), [200, 200, 200])
    t.match(await node.client.tcp('10.96.0.20', 80), /^[ab]$/, 'the late Service is served')
    t.equal(await proxy.stop(), 0)
  },
)

for (const { how, signal, state } of [
  { how: 'is stopped', signal: 'SIGSTOP', state: 'T' },
  { how: 'works without end', signal: 'SIGUSR2', state: 'R' },
] as const)
  t.test(`a worker that ${how} makes /healthz fail until another one has replaced it`, { skip }, async t => {
    const { proxy, ask, workers } = await start(t)
    t.strictSame(await ask(), { statuses: [200, 200], problems: undefined, gauge: '1' })
    const from = proxy.lines.length
    const [worker, other] = workers() as [number, number]
    process.kill(worker, signal)
    await proxy.waitForLine(/"The proxy is not healthy/, from)
    t.equal(stateOf(worker), state)
    t.strictSame(await ask(), {
      statuses: [503, 200],
      problems: ['1 of 2 data-plane workers do not serve: no reply to pings'],
      gauge: '0',
    })
    await proxy.waitForLine(
      new RegExp(`"Replacing a data-plane worker" .*code="WORKER_FAILED".* pid=${worker}\\b`),
      from,
    )
    await proxy.waitForLine(/"The proxy is healthy again"/, from)
    t.notOk(isRunning(worker))
    t.equal(workers().length, 2)
    t.ok(workers().includes(other))
    t.strictSame(await ask(), { statuses: [200, 200], problems: undefined, gauge: '1' })
    t.equal(proxy.lines.slice(from).filter(line => line.includes('not healthy')).length, 1, 'one line')
    t.equal(await proxy.stop(), 0)
  })

t.test('/livez fails only while no worker serves', { skip }, async t => {
  const { proxy, ask, workers } = await start(t)
  const from = proxy.lines.length
  for (const pid of workers()) process.kill(pid, 'SIGSTOP')
  await proxy.waitForLine(/"The proxy is not healthy.* problem="2 of 2 data-plane workers/, from)
  t.match(await ask(), { statuses: [503, 503], problems: [/^2 of 2 data-plane workers do not serve/] })
  await proxy.waitForLine(/"The proxy is healthy again"/, from)
  t.strictSame(await ask(), { statuses: [200, 200], problems: undefined, gauge: '1' })
  t.equal(await proxy.stop(), 0)
})

t.test('workers that exit again and again make /healthz fail', { skip }, async t => {
  const { proxy, ask, workers } = await start(t)
  const [, other] = workers()
  for (let round = 0; round < 3; round++) {
    await waitUntil(() => workers().length === 2, 'two workers run')
    const victim = workers().find(pid => pid !== other)!
    process.kill(victim, 'SIGKILL')
    await proxy.waitForLine(new RegExp(`"A data-plane worker exited.* pid=${victim}`))
  }
  await proxy.waitForLine(/"The proxy is not healthy/)
  t.match(await ask(), {
    statuses: [503, 200],
    problems: ['1 of 2 data-plane workers do not serve: exits again and again, or cannot start'],
  })
  t.equal(await proxy.stop(), 0)
})

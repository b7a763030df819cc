import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Test } from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const testFault = faultsOf('Standard output and standard error')
const skip = namespacesUnavailable
const LOAD_CLIENT = fileURLToPath(new URL('../support/pods/load-client.js', import.meta.url))
/** The proxy logs each connection in over 100 bytes: together more than a pipe holds (64 KiB) and may wait for it (256 KiB). */
const BURST = 4000
/** Runs the program "$@" with both in a pipe. The program itself has the end that reads, so the pipe is open, and nothing reads. */
const INTO_UNREAD_PIPE = 'exec 3<>"$0/pipe"; exec "$@" >"$0/pipe" 2>&1'
const DISK_BYTES = 64 * 1024
/** Runs the program "$@" with both on a small disk of its own. */
const ON_SMALL_DISK = `mount -t tmpfs -o size=${DISK_BYTES} tmpfs "$0"; exec "$@" >>"$0/log" 2>&1`

/** Starts a proxy that logs each connection; Pod `a` is the only endpoint. The script of a shell gets the program as "$@". */
async function startProxy(t: Test, script: string, folder = 'sh') {
  const node = await ServiceNode.create(t, [])
  node.write(node.ips.slice(0, 1))
  const flags = ['-v=5', '--on-exit=keep', '--proxy-mode=userspace', '--data-plane-workers=1']
  const child = node.network.start(node.network.node, 'unshare', [
    ...['--mount', '--propagation=private', 'sh', '-c', script, folder, process.execPath, PROXY_PROGRAM],
    ...[...flags, '--manifests', node.manifests.path],
  ])
  await node.waitForPod('a')
  return { node, child }
}

/** Replaces Pod `a` with Pod `b` in the Service `web`; a UDP request whose endpoint is removed meanwhile would be lost, so `dns` stays. */
function moveEndpoints(node: ServiceNode): void {
  const [web] = node.slices(node.ips.slice(1))
  const [, dns] = node.slices(node.ips.slice(0, 1))
  node.manifests.write(...node.services, web!, dns!)
}

/** Ends the proxy. @returns its exit code */
async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM')
  return ((await once(child, 'exit')) as [number | null])[0]
}

testFault(
  {
    fault: 'No process reads them, at a high log level',
    promise: 'No client is lost, and the proxy follows changes. It drops log lines, and then logs how many.',
    skip,
  },
  async (t, fault) => {
    const folder = t.testdir()
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const { node, child } = await startProxy(t, INTO_UNREAD_PIPE, folder)
    const traffic = await node.startTraffic()
    fault.start()
    const burst = node.network.start(node.network.node, process.execPath, [
      ...[LOAD_CLIENT, node.web.clusterIP, String(node.web.port), 'sequential', String(BURST), '10'],
    ])
    const { outcomes } = JSON.parse(String((await once(burst.stdout!, 'data'))[0])) as {
      outcomes: { answered: number }
    }
    fault.checkLoss(BURST - outcomes.answered, BURST, 'connections that were logged', 0, outcomes)
    moveEndpoints(node)
    await node.waitForPod('b')
    fault.end()
    const input = createReadStream(pipe)
    const lines = createInterface({ input })
    await fault.measureRecovery('the log says how many lines were dropped', async () => {
      for await (const line of lines) if (/Dropped log lines/.test(line)) return
      throw new Error('The log ended without a line about dropped lines')
    })
    await fault.checkTraffic(traffic)
    t.equal(await stop(child), 0)
  },
)

testFault(
  {
    fault: 'Their reader has gone (EPIPE)',
    promise: 'No client is lost, and the proxy follows changes.',
    skip,
  },
  async (t, fault) => {
    const { node, child } = await startProxy(t, 'exec "$@"')
    const traffic = await node.startTraffic()
    fault.start()
    child.stdout!.destroy()
    child.stderr!.destroy()
    moveEndpoints(node)
    await fault.measureRecovery('a change takes effect that was made meanwhile', () => node.waitForPod('b'))
    await delay(3000)
    await fault.checkTraffic(traffic)
    t.equal(await stop(child), 0)
  },
)

testFault(
  {
    fault: 'They lead to a file on a full disk (ENOSPC)',
    promise: 'No client is lost, and the proxy follows changes. It logs again when there is room.',
    skip,
  },
  async (t, fault) => {
    const folder = t.testdir()
    const { node, child } = await startProxy(t, ON_SMALL_DISK, folder)
    const log = `/proc/${child.pid}/root${folder}/log`
    const traffic = await node.startTraffic()
    await waitUntil(() => statSync(log).size === DISK_BYTES, 'the disk is full')
    fault.start()
    moveEndpoints(node)
    await node.waitForPod('b')
    truncateSync(log)
    fault.end()
    await fault.measureRecovery('lines are written again', () => waitUntil(() => statSync(log).size > 0, 'a line'))
    await fault.checkTraffic(traffic)
    t.equal(await stop(child), 0)
  },
)

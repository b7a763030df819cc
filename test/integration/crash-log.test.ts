import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ManifestFolder } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { workersOf } from '../support/processes/children-of.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const LOG_TIMEOUT_MS = 30_000 * TIMEOUT_FACTOR
const CRASH_ON_SIGNAL = fileURLToPath(new URL('../support/processes/crash-on-signal.js', import.meta.url))
const CRASH = /This process ends because of an unexpected error/

/** Starts a proxy that logs objects, and whose processes crash at SIGUSR2. */
async function start(t: Test, crash: 'exception' | 'rejection') {
  const network = await NodeNetwork.create(t)
  const manifests = new ManifestFolder(t)
  manifests.write()
  const flags = [`--manifests=${manifests.path}`, '--logging-format=json', '-v=2', '--data-plane-workers=1']
  const program = ['--import', CRASH_ON_SIGNAL, PROXY_PROGRAM, '--proxy-mode=userspace', '--on-exit=keep', ...flags]
  const env = { ...process.env, CRASH: crash }
  const child = network.start(network.node, process.execPath, program, env)
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  await log.waitFor(/"Synced rules".*"IPv4"/)
  return { child, log, ended: once(child, 'exit') as Promise<[number | null]>, closed: once(child, 'close') }
}

for (const crash of ['exception', 'rejection'] as const)
  t.test(
    `with --logging-format=json, an uncaught ${crash} is one object with code, message and stack`,
    { skip: namespacesUnavailable },
    async t => {
      const { child, log, ended, closed } = await start(t, crash)
      const expected = {
        err: 'the "test"\nbreaks it',
        code: 'ETEST',
        stack: /^Error: the "test"\nbreaks it\n +at .*crash-on-signal/,
      }

      const [worker] = workersOf(child.pid!)
      let from = log.lines.length
      process.kill(worker!, 'SIGUSR2')
      t.match(JSON.parse(await log.waitFor(CRASH, from)), expected, 'of a worker')
      await log.waitFor(/"A data-plane worker exited/, from)

      await waitUntil(() => workersOf(child.pid!).length === 1, 'another worker has replaced it')
      from = log.lines.length
      process.kill(child.pid!, 'SIGUSR2')
      t.equal((await ended)[0], 1)
      // All lines are here when no process has the pipe any more: without Services, the worker ends with the control process.
      await closed
      t.match(JSON.parse(await log.waitFor(CRASH, from)), expected, 'of the control process')
      for (const line of log.lines) t.doesNotThrow(() => JSON.parse(line) as unknown, line)
    },
  )

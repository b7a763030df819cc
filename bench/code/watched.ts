/**
 * Measures what a viewer of the status socket costs: `npm run bench -- watched [SECONDS] [ROUNDS]`. wrk opens new connections as fast as they
 * are served, in turn while no client watches, while one reads /v1/events, and while `kube-proxy trace` runs. Needs root. Everything runs
 * in its own network namespaces.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TeardownScope } from '../../test/support/nodes/node-network.js'
import { PROXY_PROGRAM } from '../../test/support/processes/proxy-process.js'
import { readNumbers } from './read-numbers.js'
import { CleanupStack } from './cleanup-stack.js'
import { startThisProxy } from './contenders/this-proxy.js'
import { measureCpu } from './loads/measure-cpu.js'
import { runWrk } from './measure/wrk.js'
import { summarize } from './report/statistics.js'
import { HTTP_SERVICE, SMALL_CLUSTER } from './testbed/bench-service.js'
import { Testbed } from './testbed/testbed.js'

const [seconds, rounds] = readNumbers('watched', { seconds: 5, rounds: 5 }) as [number, number]
const CONNECTIONS = 32

const VIEWERS: readonly { readonly name: string; readonly command: (socket: string) => readonly string[] }[] = [
  { name: 'no client watches', command: () => [] },
  {
    name: 'one client of /v1/events',
    command: socket => ['curl', '-sN', '--unix-socket', socket, 'http://s/v1/events'],
  },
  {
    name: 'kube-proxy trace -A',
    command: socket => [process.execPath, PROXY_PROGRAM, 'trace', '-A', '--status-socket', socket],
  },
]

await CleanupStack.run(async (t: TeardownScope) => {
  const folder = mkdtempSync(join(tmpdir(), 'watched-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const socket = join(folder, 'status.sock')
  const site = await Testbed.create(t)
  const running = await startThisProxy(site, SMALL_CLUSTER, ['--proxy-mode=userspace', '--status-socket', socket])
  await site.shortenConntrackTimes()
  const load = { connections: CONNECTIONS, seconds, close: true }
  const measure = async () => {
    const work = () => runWrk(site, { ip: HTTP_SERVICE.clusterIP, port: HTTP_SERVICE.port }, load)
    const { values } = await measureCpu(running, work, ({ requests, seconds }) => ({ work: requests, seconds }))
    return { microseconds: 1e6 / values['perCpu']!, rate: values['rate']! }
  }
  await measure()
  const samples = VIEWERS.map((): Awaited<ReturnType<typeof measure>>[] => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, { command }] of VIEWERS.entries()) {
      const viewer = await startViewer(t, command(socket))
      samples[index]!.push(await measure())
      viewer?.kill()
    }
  const median = (values: readonly number[]): number => summarize(values)!.median
  const base = median(samples[0]!.map(({ microseconds }) => microseconds))
  for (const [index, { name }] of VIEWERS.entries()) {
    const costs = samples[index]!.map(({ microseconds }) => microseconds).sort((a, b) => a - b)
    const rate = median(samples[index]!.map(({ rate }) => rate))
    const percent = 100 * (median(costs) / base - 1)
    process.stdout.write(
      `${name}: ${median(costs).toFixed(1)} µs of CPU for a connection (${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %; ` +
        `${costs.map(cost => cost.toFixed(1)).join(', ')}), ${rate.toFixed(0)} connections a second\n`,
    )
  }
  await running.stop()
})

/** Resolves when the viewer gets something. */
async function startViewer(t: TeardownScope, [program, ...args]: readonly string[]): Promise<ChildProcess | undefined> {
  if (program === undefined) return undefined
  const viewer = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => viewer.kill('SIGKILL'))
  await once(viewer.stdout, 'data')
  viewer.stdout.resume()
  return viewer
}

/**
 * Measures connection times while the control process is busy: `npm run bench -- stalls [SERVICES] [ENDPOINTS]`. The API
 * server ends all watches, so that the proxy lists every object again; and /metrics is read. Needs root. Everything runs in
 * its own network namespaces.
 */
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NodeProcess } from '../../test/support/nodes/node-process.js'
import { makeSliceManifest, makeServiceManifest } from '../../test/support/api/manifests.js'
import { NodeNetwork, type TeardownScope } from '../../test/support/nodes/node-network.js'
import { workersOf } from '../../test/support/processes/children-of.js'
import { ProxyProcess } from '../../test/support/processes/proxy-process.js'
import { readNumbers } from './read-numbers.js'
import { CleanupStack } from './cleanup-stack.js'

const [services, endpoints] = readNumbers('stalls', { services: 5000, endpoints: 10 }) as [number, number]
const CONNECTION_TIMES = fileURLToPath(new URL('connection-times.js', import.meta.url))

interface Times {
  readonly count: number
  readonly failed: number
  readonly median: number
  readonly p99: number
  readonly longest: number
}

for (const workers of [0, 1, 2]) {
  await CleanupStack.run(async (t: TeardownScope) => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('pod')
    const api = new NodeProcess(network, 'api/api-server-entry')
    const url = await api.readLine()
    const put: unknown[] = [
      ['nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'bench' } }],
      ['services', makeServiceManifest('measured', { clusterIP: '10.96.0.10', port: 80 })],
      ['endpointslices', makeSliceManifest('measured', [server.ip], 8080)],
    ]
    for (let n = 0; n < services; n++) {
      const ips = Array.from({ length: endpoints }, (_, e) => `10.24${4 + (n & 1)}.${n >> 5}.${((n & 31) << 2) + e}`)
      put.push(['services', makeServiceManifest(`web-${n}`, { clusterIP: `10.97.${n >> 8}.${n & 255}`, port: 80 })])
      put.push(['endpointslices', makeSliceManifest(`web-${n}`, ips, 8080)])
    }
    await api.sendCommand({ put })

    const startedAt = performance.now()
    const proxy = new ProxyProcess(network, [
      '--master',
      url,
      '--hostname-override=bench',
      '-v=2',
      `--data-plane-workers=${workers}`,
    ])
    await proxy.waitForLine(/"Synced rules" family="IPv4" changed=true/)
    const startMs = performance.now() - startedAt
    const pod = await network.addPod()
    const client = network.start(pod.namespace, process.execPath, [CONNECTION_TIMES, '10.96.0.10', '80'])
    const lines = createInterface({ input: client.stdout! })[Symbol.asyncIterator]()
    const times = async (): Promise<Times> => {
      client.stdin!.write('\n')
      return JSON.parse((await lines.next()).value as string) as Times
    }
    const settle = () => new Promise(resolve => setTimeout(resolve, 3000))

    await settle()
    await times()
    await settle()
    const quiet = await times()
    await api.sendCommand({ relist: ['services', 'endpointslices'] })
    // The proxy requests both lists after a pause. No log line shows the end of this work, since nothing has changed.
    await settle()
    await settle()
    const relist = await times()
    for (let scrape = 0; scrape < 3; scrape++)
      await network.node.run('curl', ['-so', '/dev/null', 'http://127.0.0.1:10249/metrics'])
    const scraped = await times()

    process.stdout.write(
      `${workers} workers, ${services} Services x ${endpoints}: ${startMs.toFixed(0)} ms to the rules\n`,
    )
    for (const [name, { count, failed, median, p99, longest }] of Object.entries({ quiet, relist, scraped }))
      process.stdout.write(
        `  ${name.padEnd(8)} ${String(count).padStart(5)} connections, ${failed} failed; ms: median ${median.toFixed(2)}, ` +
          `99th of 100 ${p99.toFixed(2)}, longest ${longest.toFixed(1)}\n`,
      )
    for (const pid of [proxy.child.pid!, ...workersOf(proxy.child.pid!)])
      process.stdout.write(`  ${pid === proxy.child.pid ? 'control' : 'worker '} ${residentMiB(pid)} MiB\n`)
    const ended = once(client, 'exit')
    client.kill()
    await ended
    await proxy.stop()
  })
}

function residentMiB(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(pid))?.[1]) / 1024)
}

function statusOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

import { VERSION } from '../../../lib/control/version.js'
import { ProxyProcess } from '../../support/proxy-process.js'
import { apiObjectsOf } from '../site/api-objects-of.js'
import { BenchApi, NODE_NAME } from '../site/bench-api.js'
import { type ClusterSize, WEB, servicesOf } from '../site/bench-service.js'
import { type BenchSite } from '../site/bench-site.js'
import { clusterAddress, type Contender, type Running } from './contender.js'
import { clearRules } from './kernel-rules.js'
import { klogTime } from './klog-time.js'

/** This program, as its users start it. */
export const ours: Contender = {
  name: 'ours',
  title: 'kube-proxy-node',
  missing: () => undefined,
  version: () => `kube-proxy-node ${VERSION}, Node.js ${process.versions.node}`,
  start: (site, size) => startOurs(site, size),
}

export interface RunningOurs extends Running {
  readonly api: BenchApi
  readonly proxy: ProxyProcess
}

/** @param args of the program, beside those that it needs to be a contender */
export async function startOurs(
  site: BenchSite,
  size: ClusterSize,
  args: readonly string[] = [],
): Promise<RunningOurs> {
  const api = await BenchApi.start(site.network, servicesOf(size).flatMap(apiObjectsOf))
  const startedAt = Date.now()
  const needed = ['--master', api.url, '--hostname-override', NODE_NAME, '-v=2']
  const proxy = new ProxyProcess(site.network, [...needed, ...args])
  const synced = proxy.line(/"Synced rules" family="IPv4" changed=true/)
  synced.catch(() => undefined)
  await site.client.reach(WEB.clusterIP, WEB.port)
  return {
    pids: [proxy.child.pid!],
    addressOf: clusterAddress,
    api,
    proxy,
    async programmed() {
      return {
        startedAt,
        listedAt: (await api.seen()).firstListAt,
        programmedAt: klogTime(await synced, startedAt),
      }
    },
    async stop() {
      proxy.child.kill('SIGKILL')
      api.stop()
      await clearRules(site)
    },
  }
}

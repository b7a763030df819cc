import { VERSION } from '../../../lib/control/version.js'
import { readProgramCommit } from '../../../test/support/faults/program-commit.js'
import { ProxyProcess } from '../../../test/support/processes/proxy-process.js'
import { makeApiObjects } from '../testbed/api-objects.js'
import { BenchApi, NODE_NAME } from '../testbed/bench-api.js'
import { type ClusterSize, HTTP_SERVICE, makeServices } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { clusterIPAddress, type Contender, type RunningContender } from './contender.js'
import { removeAllRules } from './kernel-rules.js'
import { parseKlogTime } from './klog-time.js'

/** This program, started as its users start it. */
export const thisProxy: Contender = {
  name: 'kube-proxy-node',
  title: 'kube-proxy-node',
  unavailableReason: () => undefined,
  version: () => {
    const commit = readProgramCommit()
    const ofCommit = commit === undefined ? '' : ` (commit ${commit})`
    return `kube-proxy-node ${VERSION}${ofCommit}, Node.js ${process.versions.node}`
  },
  start: (site, size) => startThisProxy(site, size),
}

export interface RunningThisProxy extends RunningContender {
  readonly api: BenchApi
  readonly proxy: ProxyProcess
}

/** @param args of the program, besides those for the benchmark */
export async function startThisProxy(
  site: Testbed,
  size: ClusterSize,
  args: readonly string[] = [],
): Promise<RunningThisProxy> {
  const api = await BenchApi.start(site.network, makeServices(size).flatMap(makeApiObjects))
  const startedAt = Date.now()
  const needed = ['--master', api.url, '--hostname-override', NODE_NAME, '-v=2']
  const proxy = new ProxyProcess(site.network, [...needed, ...args])
  const synced = proxy.waitForLine(/"Synced rules" family="IPv4" changed=true/)
  synced.catch(() => undefined)
  await site.client.waitUntilReachable(HTTP_SERVICE.clusterIP, HTTP_SERVICE.port)
  return {
    pids: [proxy.child.pid!],
    addressOf: clusterIPAddress,
    api,
    proxy,
    async waitUntilProgrammed() {
      return {
        startedAt,
        listedAt: (await api.readListCounts()).firstListAt,
        programmedAt: parseKlogTime(await synced, startedAt),
      }
    },
    async stop() {
      proxy.child.kill('SIGKILL')
      api.stop()
      await removeAllRules(site)
    },
  }
}

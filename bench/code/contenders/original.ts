import { ProgramLog } from '../../../lib/demo/program-log.js'
import { makeApiObjects } from '../testbed/api-objects.js'
import { BenchApi } from '../testbed/bench-api.js'
import { SMALL_CLUSTER, HTTP_SERVICE, makeServices } from '../testbed/bench-service.js'
import { clusterIPAddress, type Contender } from './contender.js'
import { removeAllRules } from './kernel-rules.js'
import { parseKlogTime } from './klog-time.js'
import { originalUnavailableReason, originalVersion, startOriginal } from './original-program.js'

/** Kubernetes' own kube-proxy in userspace mode, which exists in versions before 1.26. */
export const original: Contender = {
  name: 'original',
  title: 'kube-proxy userspace',
  unavailableReason: originalUnavailableReason,
  version: originalVersion,
  async start(site, size) {
    const services = makeServices(size)
    const api = await BenchApi.start(site.network, services.flatMap(makeApiObjects))
    const startedAt = Date.now()
    // The log must show the written rules; this makes each log call a little slower.
    const args = size.services > SMALL_CLUSTER.services ? ['--vmodule=proxier=3'] : []
    const { child, stop } = startOriginal(site, 'userspace', api.url, { args })
    const log = new ProgramLog(child, child.stderr!, 1_200_000)
    await site.client.waitUntilReachable(HTTP_SERVICE.clusterIP, HTTP_SERVICE.port)
    return {
      pids: [child.pid!],
      addressOf: clusterIPAddress,
      api,
      async waitUntilProgrammed() {
        // A Service gets two rules; the second one is for traffic of the node itself.
        let line = ''
        for (let found = 0, next = 0; found < services.length; found++) {
          line = await log.waitFor(RULE_OPENED_PATTERN, next)
          next = log.lines.indexOf(line, next) + 1
        }
        return {
          startedAt,
          listedAt: (await api.readListCounts()).firstListAt,
          programmedAt: parseKlogTime(line, startedAt),
        }
      },
      async stop() {
        await stop()
        api.stop()
        await removeAllRules(site)
      },
    }
  },
}

const RULE_OPENED_PATTERN = /Opened iptables from-host portal for service/

import { LogLines } from '../../../lib/demo/log-lines.js'
import { apiObjectsOf } from '../site/api-objects-of.js'
import { BenchApi } from '../site/bench-api.js'
import { SMALL, WEB, servicesOf } from '../site/bench-service.js'
import { clusterAddress, type Contender } from './contender.js'
import { clearRules } from './kernel-rules.js'
import { klogTime } from './klog-time.js'
import { originalMissing, originalVersion, startOriginal } from './original-program.js'

/** Kubernetes' own kube-proxy in userspace mode, the last versions of which are those before 1.26. */
export const original: Contender = {
  name: 'original',
  title: 'kube-proxy userspace',
  missing: originalMissing,
  version: originalVersion,
  async start(site, size) {
    const services = servicesOf(size)
    const api = await BenchApi.start(site.network, services.flatMap(apiObjectsOf))
    const startedAt = Date.now()
    // Whether the log says which rules it has written: asking for it costs each log call a little.
    const args = size.services > SMALL.services ? ['--vmodule=proxier=3'] : []
    const { child, stop } = startOriginal(site, 'userspace', api.url, { args })
    const log = new LogLines(child, child.stderr!, 1_200_000)
    await site.client.reach(WEB.clusterIP, WEB.port)
    return {
      pids: [child.pid!],
      addressOf: clusterAddress,
      api,
      async programmed() {
        // The rule for the node's own traffic is the second of the two that a Service gets.
        let line = ''
        for (let found = 0, next = 0; found < services.length; found++) {
          line = await log.line(OPENED, next)
          next = log.lines.indexOf(line, next) + 1
        }
        return { startedAt, listedAt: (await api.seen()).firstListAt, programmedAt: klogTime(line, startedAt) }
      },
      async stop() {
        await stop()
        api.stop()
        await clearRules(site)
      },
    }
  },
}

const OPENED = /Opened iptables from-host portal for service/

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogLines } from '../../../lib/demo/log-lines.js'
import { originalFlags, originalKubeProxy, writeKubeconfig } from '../../support/original-kube-proxy.js'
import { programVersion } from '../measure/program-version.js'
import { apiObjectsOf } from '../site/api-objects-of.js'
import { BenchApi, NODE_NAME } from '../site/bench-api.js'
import { SMALL, WEB, servicesOf } from '../site/bench-service.js'
import { clusterAddress, type Contender } from './contender.js'
import { clearRules } from './kernel-rules.js'
import { klogTime } from './klog-time.js'
import { stopProcess } from '../stop-process.js'

/** Kubernetes' own kube-proxy in userspace mode, the last versions of which are those before 1.26. */
export const original: Contender = {
  name: 'original',
  title: 'kube-proxy userspace',
  missing() {
    if (originalKubeProxy() === undefined)
      return 'KUBE_PROXY_PEER does not name a kube-proxy with userspace mode (1.20.2)'
    return this.version() === undefined
      ? `KUBE_PROXY_PEER names "${originalKubeProxy()}", which does not run`
      : undefined
  },
  version() {
    const path = originalKubeProxy()
    const version = path === undefined ? undefined : programVersion(path, ['--version'])
    return version?.replace('Kubernetes', 'kube-proxy')
  },
  async start(site, size) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-original-'))
    const services = servicesOf(size)
    const api = await BenchApi.start(site.network, services.flatMap(apiObjectsOf))
    const startedAt = Date.now()
    const child = site.startOnNode(
      originalKubeProxy()!,
      flags(writeKubeconfig(folder, api.url), size.services > SMALL.services),
    )
    child.stdout!.resume()
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
        await stopProcess(child)
        api.stop()
        await clearRules(site)
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
}

const OPENED = /Opened iptables from-host portal for service/

/** @param logRules whether the log says which rules it has written: asking for it costs each log call a little */
function flags(kubeconfig: string, logRules: boolean): string[] {
  return [...originalFlags('userspace', kubeconfig, NODE_NAME), '-v=2', ...(logRules ? ['--vmodule=proxier=3'] : [])]
}

import { type CaseFigures } from '../case-figures.js'
import { type CaseRecord, type CaseSite } from '../case-site.js'
import { type MeasuredProxy } from '../measured-proxy.js'
import { ANOTHER_PROGRAM, CLOSED_PORT, NO_RULE, NO_SERVER } from '../watch/rule-watch.js'
import { type ReliabilityCase } from './reliability-case.js'
import { AFTER_DRAIN_MS } from './update-cases.js'

/** How long a case without a restart runs after the event, in milliseconds. */
const AFTER_WORKER_MS = 3000

/** What kills processes of a proxy. */
export const KILL_CASES: readonly ReliabilityCase[] = [
  {
    name: 'kill-worker',
    title: '`kill -9` of a data-plane worker',
    description: 'One worker is killed. The control process starts another one.',
    promise:
      'No new connection is refused: they wait in the listening sockets, which the control process and other workers hold. Connections through the worker are cut.',
    appliesTo: ({ hasWorkers, isForKills }) => hasWorkers && !isForKills,
    async run(site) {
      const proxy = await startUnderLoad(site)
      site.markEvent()
      process.kill(proxy.workers[0]!, 'SIGKILL')
      return site.finish(AFTER_WORKER_MS)
    },
    isKept: ({ refused, hasRecovered, leads }) =>
      refused === 0 && hasRecovered && areLeadsKnown({ leads }) && leads.every(({ to }) => to !== CLOSED_PORT),
  },
  {
    name: 'kill-control',
    title: '`kill -9` of the control process',
    description: 'The control process is killed. A second later a new proxy starts.',
    promise:
      'Workers serve new and open connections alone, until the next control process takes over; then open connections may continue for the drain timeout.',
    appliesTo: () => true,
    async run(site) {
      const proxy = await startUnderLoad(site)
      site.markEvent()
      await proxy.killControl()
      return recover(site)
    },
    isKept: ({ refused, failed, cutEarly, hasRecovered, leads }, { carriesTraffic }) =>
      hasRecovered &&
      areLeadsKnown({ leads }) &&
      (!carriesTraffic || (refused === 0 && cutEarly === 0 && Object.keys(failed).length === 0)),
  },
  {
    name: 'kill-all',
    title: '`kill -9` of everything',
    description:
      'The control process and all workers are killed at once, as at the end of a container. A second later a new proxy starts. The failover process of `--on-exit=kernel` survives here; in a container it does not.',
    promise:
      'Rules lead to closed ports until the new proxy, or the kernel, serves: clients are refused at once, none hangs. In iptables mode nothing is lost.',
    appliesTo: () => true,
    async run(site) {
      const proxy = await startUnderLoad(site)
      site.markEvent()
      await proxy.killServing()
      return recover(site)
    },
    isKept: ({ failed, refused, cutEarly, hasRecovered, leads }, { carriesTraffic, isForKills }) =>
      hasRecovered &&
      areLeadsKnown({ leads }) &&
      leads.at(-1)?.to === (carriesTraffic ? 'new proxy' : 'kernel') &&
      (!isForKills || leads.some(({ to }) => to === 'kernel')) &&
      (carriesTraffic || (refused === 0 && cutEarly === 0 && Object.keys(failed).length === 0)),
  },
  {
    name: 'oom-kill',
    title: 'OOM kill',
    description:
      'The process with the most resident memory is killed, as the kernel does when memory runs out. If it was the control process, a new proxy starts a second later. `kill -9` stands for the kernel here. Where the kubelet has the kernel kill all processes of the container (cgroup v2, since Kubernetes 1.28), the case above applies.',
    promise: 'As for the process that was killed.',
    appliesTo: ({ isJudged }) => isJudged,
    async run(site) {
      const proxy = await startUnderLoad(site)
      site.markEvent()
      const victim = proxy.biggest
      if (victim === proxy.pid) {
        await proxy.killControl()
        return recover(site)
      }
      process.kill(victim, 'SIGKILL')
      return site.finish(AFTER_WORKER_MS)
    },
    isKept: ({ refused, hasRecovered, leads }) => refused === 0 && hasRecovered && areLeadsKnown({ leads }),
  },
]

/** Whether the rules led nowhere but to a proxy, to Pods, or to a port of a proxy that has gone: clients anywhere else would hang. */
function areLeadsKnown({ leads }: Pick<CaseFigures, 'leads'>): boolean {
  return leads.every(({ to }) => !to.startsWith(ANOTHER_PROGRAM) && to !== NO_RULE && to !== NO_SERVER)
}

async function startUnderLoad(site: CaseSite): Promise<MeasuredProxy> {
  const proxy = site.launch()
  await proxy.ready
  await site.startLoad()
  return proxy
}

async function recover(site: CaseSite): Promise<CaseRecord> {
  // Only what was left drains: the workers of the killed proxy, from the moment at which the new one takes over.
  await site.restart()
  site.markDrain()
  return site.finish(AFTER_DRAIN_MS)
}

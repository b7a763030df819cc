import { IPTABLES_CONTENDER_NAMES } from '../contenders/contender.js'
import { KernelProxy, SYNC_TIMEOUT_MS } from '../contenders/kernel-proxy.js'
import { waitUntilIdle } from '../measure/wait-until-idle.js'
import { ProcessTree } from '../measure/process-tree.js'
import { type ClusterSize } from '../testbed/bench-service.js'
import { TimeLimitExceeded } from '../time-limit-exceeded.js'
import { type Load, type Metric, type ContenderControl } from './load.js'

/** A contender that needs more seconds for a turn gets only one. */
export const MAX_TURN_SECONDS = 60
/** A program whose sync takes longer is not started a second time. */
const MAX_RESTART_SYNC_MS = 30_000

const FIRST_SYNC_METRICS: readonly Metric[] = [
  { name: 'sync', title: 'full sync, as logged, s', unit: 's', better: 'lower', digits: 2 },
  { name: 'fromList', title: 'first list to rules, s', unit: 's', better: 'lower', digits: 2 },
  { name: 'fromStart', title: 'start of the process to rules, s', unit: 's', better: 'lower', digits: 2 },
]

/** Measures a sync from no rules to all rules of a cluster, and a restart with existing rules. */
export function makeFullSyncLoad(size: ClusterSize, mostRounds: number): Load {
  const many = size.services.toLocaleString('en')
  return {
    name: `full-sync-${size.services}`,
    title: `Full sync of ${many} Services with ${size.endpoints} endpoints each`,
    description:
      'The program starts on a node without rules, with an API server that has all Services. The time ends with the logged sync after which there are ' +
      'rules for all Services. When the program is idle, it is killed and started again with all rules in place.',
    metrics: [
      ...FIRST_SYNC_METRICS,
      { name: 'again', title: 'sync after a restart, s', unit: 's', better: 'lower', digits: 2 },
      { name: 'cpu', title: 'CPU until idle', unit: 'CPU-s', better: 'lower', digits: 2 },
      { name: 'memory', title: 'memory when idle', unit: 'MB', better: 'lower', digits: 1 },
    ],
    seconds: 1,
    contenders: IPTABLES_CONTENDER_NAMES,
    maxRounds: mostRounds,
    maxTurnSeconds: MAX_TURN_SECONDS,
    timeLimitedMetrics: FIRST_SYNC_METRICS,
    takeSample: stage => takeSample(stage, size),
  }
}

async function takeSample(stage: ContenderControl, size: ClusterSize): ReturnType<Load['takeSample']> {
  const proxy = requireKernelProxy(await stage.restart(size))
  const { tookMs } = proxy.fullSync
  const { startedAt, listedAt, programmedAt } = await proxy.waitUntilProgrammed()
  const values: Record<string, number> = {
    sync: tookMs / 1000,
    fromList: (programmedAt - listedAt!) / 1000,
    fromStart: (programmedAt - startedAt) / 1000,
  }
  const tree = new ProcessTree(proxy.pids)
  if (!(await waitUntilIdle(tree, SYNC_TIMEOUT_MS))) {
    await stage.markTooSlow(size, new TimeLimitExceeded('coming to rest after the first sync', SYNC_TIMEOUT_MS))
    return { values, errors: [`not at rest ${SYNC_TIMEOUT_MS / 1000} s after its first sync, and ended`] }
  }
  Object.assign(values, { cpu: tree.cpuSeconds(), memory: tree.pssBytes() / 1e6 })
  if (tookMs > MAX_RESTART_SYNC_MS) return { values, errors: [] }
  values['again'] = (await proxy.restart()).tookMs / 1000
  await waitUntilIdle(new ProcessTree(proxy.pids), SYNC_TIMEOUT_MS)
  return { values, errors: [] }
}

/** The running contender as a kernel proxy. @throws Error if it is another kind */
export function requireKernelProxy(running: object): KernelProxy {
  if (running instanceof KernelProxy) return running
  throw new Error('Only syncs of a proxy in a kernel mode can be measured')
}

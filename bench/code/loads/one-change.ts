import { IPTABLES_CONTENDER_NAMES } from '../contenders/contender.js'
import { type KernelProxy, SYNC_TIMEOUT_MS } from '../contenders/kernel-proxy.js'
import { type ExpectedResponder } from '../client/wait-for-responder.js'
import { waitUntilIdle } from '../measure/wait-until-idle.js'
import { ProcessTree } from '../measure/process-tree.js'
import { sharedClockMs } from '../measure/shared-clock.js'
import { summarize } from '../report/statistics.js'
import { apiObjectNames, makeApiObjects, makeEndpointObjects } from '../testbed/api-objects.js'
import { type BenchService, CHANGING_SERVICE, type ClusterSize, TEMPORARY_SERVICE } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'
import { TimeLimitExceeded } from '../time-limit-exceeded.js'
import { type Load, type Metric, type ContenderControl } from './load.js'
import { MAX_TURN_SECONDS, requireKernelProxy } from './full-sync.js'

const CHANGES = 5
/** After a longer change the round ends. Milliseconds. */
const STOP_CHANGES_AFTER_MS = 3000
/** After an even longer change, no Service is added either. Milliseconds. */
const SKIP_ADD_AFTER_MS = 10_000

const ENDPOINT_METRICS: readonly Metric[] = [
  { name: 'effect', title: 'one endpoint, to the packet', unit: 'ms', better: 'lower', digits: 0 },
  { name: 'sync', title: 'its sync, as logged', unit: 'ms', better: 'lower', digits: 0 },
]

/** Measures the cost of small changes in a cluster with many Services. */
export function makeOneChangeLoad(size: ClusterSize, mostRounds: number): Load {
  const many = size.services.toLocaleString('en')
  return {
    name: `one-change-${size.services}`,
    title: `One change among ${many} Services with ${size.endpoints} endpoints each`,
    description:
      'Another Pod replaces the only endpoint of a Service. The time is from the write to the API server to the start of the first connection ' +
      `that it answers: the median of up to ${CHANGES} changes, one after the other. Then a Service is added.`,
    metrics: [
      ...ENDPOINT_METRICS,
      { name: 'cpu', title: 'CPU of it', unit: 'CPU-s', better: 'lower', digits: 2 },
      { name: 'added', title: 'a Service added', unit: 'ms', better: 'lower', digits: 0 },
      { name: 'memory', title: 'memory afterwards', unit: 'MB', better: 'lower', digits: 1 },
    ],
    seconds: 1,
    contenders: IPTABLES_CONTENDER_NAMES,
    maxRounds: mostRounds,
    maxTurnSeconds: MAX_TURN_SECONDS,
    timeLimitedMetrics: ENDPOINT_METRICS,
    takeSample: stage => takeSample(stage, size),
  }
}

async function takeSample(stage: ContenderControl, size: ClusterSize): ReturnType<Load['takeSample']> {
  const proxy = requireKernelProxy(await stage.ensureRunning(size))
  const tree = new ProcessTree(proxy.pids)
  const before = tree.cpuSeconds()
  const changes = await replaceEndpoints(stage.site, proxy)
  await requireIdle(tree)
  const values: Record<string, number> = {
    effect: summarize(changes.map(({ effectMs }) => effectMs))!.median,
    sync: summarize(changes.map(({ syncMs }) => syncMs))!.median,
    cpu: (tree.cpuSeconds() - before) / changes.length,
  }
  if (changes.at(-1)!.effectMs < SKIP_ADD_AFTER_MS) {
    values['added'] = await timeToEffect(stage.site, TEMPORARY_SERVICE, 'any', () =>
      proxy.api.put(makeApiObjects(TEMPORARY_SERVICE)),
    )
    await requireIdle(tree)
    await proxy.api.remove(apiObjectNames(TEMPORARY_SERVICE))
    await requireIdle(tree)
  }
  return { values: { ...values, memory: tree.pssBytes() / 1e6 }, errors: [] }
}

interface ChangeTimes {
  readonly effectMs: number
  readonly syncMs: number
}

async function replaceEndpoints(site: Testbed, proxy: KernelProxy): Promise<ChangeTimes[]> {
  const { api, syncs } = proxy
  const changes: ChangeTimes[] = []
  do {
    const from = syncs.length
    const by = proxy.pickNextPod()
    const effectMs = await timeToEffect(site, CHANGING_SERVICE, { by }, () =>
      api.put(makeEndpointObjects(CHANGING_SERVICE, [by])),
    )
    changes.push({ effectMs, syncMs: (await syncs.waitForChange(from)).tookMs })
  } while (changes.length < CHANGES && changes.at(-1)!.effectMs < STOP_CHANGES_AFTER_MS)
  return changes
}

/** @returns milliseconds from a write to the start of the first connection that sees its effect. @throws TimeLimitExceeded */
async function timeToEffect(
  { client }: Testbed,
  { clusterIP, port }: BenchService,
  awaited: ExpectedResponder,
  write: () => Promise<void>,
): Promise<number> {
  const at = sharedClockMs()
  await write()
  const seenAt = await client.waitForResponder(clusterIP, port, awaited, SYNC_TIMEOUT_MS)
  if (seenAt === undefined) throw new TimeLimitExceeded('a change', SYNC_TIMEOUT_MS)
  return seenAt - at
}

async function requireIdle(tree: ProcessTree): Promise<void> {
  if (!(await waitUntilIdle(tree, SYNC_TIMEOUT_MS)))
    throw new TimeLimitExceeded('coming to rest after a change', SYNC_TIMEOUT_MS)
}

import { IPTABLES_NAMES } from '../contenders/contender.js'
import { type KernelProxy, LIMIT_MS } from '../contenders/kernel-proxy.js'
import { type AwaitedAnswer } from '../client/await-answer.js'
import { comeToRest } from '../measure/come-to-rest.js'
import { ProcessTree } from '../measure/process-tree.js'
import { sharedClockMs } from '../measure/shared-clock.js'
import { summarize } from '../report/statistics.js'
import { apiNamesOf, apiObjectsOf, endpointObjectsOf } from '../site/api-objects-of.js'
import { type BenchService, CANARY, type ClusterSize, PASSING } from '../site/bench-service.js'
import { type BenchSite } from '../site/bench-site.js'
import { TakesTooLong } from '../takes-too-long.js'
import { type Load, type Metric, type Stage } from './load.js'
import { LONG_TURN, kernelProxyOf } from './full-sync.js'

const CHANGES = 5
/** After a change that took longer there are no more in this round. Milliseconds. */
const LONG_MS = 3000
/** After one that took longer still, no Service is added either. Milliseconds. */
const SPARED_MS = 10_000

const ENDPOINT: readonly Metric[] = [
  { name: 'effect', title: 'one endpoint, to the packet', unit: 'ms', better: 'lower', digits: 0 },
  { name: 'sync', title: 'its sync, as logged', unit: 'ms', better: 'lower', digits: 0 },
]

/** What little changes cost, where there are many Services. */
export function oneChange(size: ClusterSize, mostRounds: number): Load {
  const many = size.services.toLocaleString('en')
  return {
    name: `one-change-${size.services}`,
    title: `One change among ${many} Services with ${size.endpoints} endpoints each`,
    about:
      'Another Pod takes the place of the only endpoint of a Service: from the write to the API server until the first connection ' +
      `that it answers is begun; the median of up to ${CHANGES} changes, each when the one before is done. Then a Service is added.`,
    metrics: [
      ...ENDPOINT,
      { name: 'cpu', title: 'CPU of it', unit: 'CPU-s', better: 'lower', digits: 2 },
      { name: 'added', title: 'a Service added', unit: 'ms', better: 'lower', digits: 0 },
      { name: 'memory', title: 'memory afterwards', unit: 'MB', better: 'lower', digits: 1 },
    ],
    seconds: 1,
    contenders: IPTABLES_NAMES,
    mostRounds,
    longTurn: LONG_TURN,
    limited: ENDPOINT,
    run: stage => sample(stage, size),
  }
}

async function sample(stage: Stage, size: ClusterSize): ReturnType<Load['run']> {
  const proxy = kernelProxyOf(await stage.running(size))
  const tree = new ProcessTree(proxy.pids)
  const before = tree.cpuSeconds()
  const changes = await replaceInTurn(stage.site, proxy)
  await atRest(tree)
  const values: Record<string, number> = {
    effect: summarize(changes.map(({ effectMs }) => effectMs))!.median,
    sync: summarize(changes.map(({ syncMs }) => syncMs))!.median,
    cpu: (tree.cpuSeconds() - before) / changes.length,
  }
  if (changes.at(-1)!.effectMs < SPARED_MS) {
    values.added = await effectOf(stage.site, PASSING, 'anybody', () => proxy.api.put(apiObjectsOf(PASSING)))
    await atRest(tree)
    await proxy.api.remove(apiNamesOf(PASSING))
    await atRest(tree)
  }
  return { values: { ...values, memory: tree.pssBytes() / 1e6 }, errors: [] }
}

interface ChangeTimes {
  readonly effectMs: number
  readonly syncMs: number
}

async function replaceInTurn(site: BenchSite, proxy: KernelProxy): Promise<ChangeTimes[]> {
  const { api, syncs } = proxy
  const changes: ChangeTimes[] = []
  do {
    const from = syncs.end
    const by = proxy.nextPod()
    const effectMs = await effectOf(site, CANARY, { by }, () => api.put(endpointObjectsOf(CANARY, [by])))
    changes.push({ effectMs, syncMs: (await syncs.next(from)).tookMs })
  } while (changes.length < CHANGES && changes.at(-1)!.effectMs < LONG_MS)
  return changes
}

/** @returns milliseconds from a write until a connection was begun that saw what came of it. @throws TakesTooLong */
async function effectOf(
  { client }: BenchSite,
  { clusterIP, port }: BenchService,
  awaited: AwaitedAnswer,
  write: () => Promise<void>,
): Promise<number> {
  const at = sharedClockMs()
  await write()
  const seenAt = await client.awaitAnswer(clusterIP, port, awaited, LIMIT_MS)
  if (seenAt === undefined) throw new TakesTooLong('a change', LIMIT_MS)
  return seenAt - at
}

async function atRest(tree: ProcessTree): Promise<void> {
  if (!(await comeToRest(tree, LIMIT_MS))) throw new TakesTooLong('coming to rest after a change', LIMIT_MS)
}

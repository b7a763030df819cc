import { SyncLoop } from '../../lib/control/sync-loop.js'
import { type IpFamily } from '../../lib/model/address.js'
import { type Log } from '../../lib/model/log.js'
import { ProxierHealth } from '../../lib/observe/proxier-health.js'
import {
  type RuleCounts,
  type SyncExtent,
  type SyncObserver,
  combineSyncObservers,
} from '../../lib/observe/sync-observer.js'
import { ObjectStore } from '../../lib/snapshot/object-store.js'
import { makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { ManualClock } from '../support/clock/manual-clock.js'
import { MemoryProxier } from '../support/modes/memory-proxier.js'

export const SYNC_PERIOD = 30_000
export const MIN_SYNC_PERIOD = 1000
/** The wall clock of the tests starts at 2024-01-01. */
const EPOCH = Date.UTC(2024, 0, 1)

/** Records events as texts: `synced 5 [1 2]` is a sync that took 5 ms and had two trigger times. */
function recordInto(events: string[]) {
  return {
    queued: () => void events.push('queued'),
    planned: () => undefined,
    changed: (services: number, endpoints: number) => void events.push(`changed ${services} ${endpoints}`),
    synced: (_family: IpFamily, _at: number, ms: number, times: readonly number[]) =>
      void events.push(`synced ${ms} [${times.map(time => time - EPOCH).join(' ')}]`),
    rulesWritten: (_family: IpFamily, counts: readonly RuleCounts[]) =>
      void events.push(`written ${counts.map(({ written }) => written).join()}`),
    refused: () => undefined,
    restoreFailed: () => void events.push('failed'),
  }
}

/** A sync loop with a store, a proxier in memory and a manual clock; all that it does is recorded. */
export function createRig(
  options: { readonly minSyncPeriod?: number; readonly checkPeriod?: number; readonly mayStart?: () => boolean } = {},
) {
  const clock = new ManualClock()
  const events: string[] = []
  /** How much each sync covered, and each write that failed. */
  const extents: string[] = []
  /** The families of writes that have taken what they contain. */
  const plans: IpFamily[] = []
  const observeExtents = {
    planned: (family: IpFamily) => void plans.push(family),
    synced: (...[, , , , extent]: Parameters<SyncObserver['synced']>) => void extents.push(extent),
    restoreFailed: (_family: IpFamily, extent: SyncExtent) => void extents.push(`failed ${extent}`),
  }
  const lines: string[] = []
  const served: string[] = []
  const log: Log = {
    info: () => undefined,
    warn: message => lines.push(`warn ${message}`),
    error: (message, error, fields) => lines.push(`error ${message}: ${String(error)} ${JSON.stringify(fields)}`),
    enabled: () => true,
  }
  const proxier = new MemoryProxier(() => clock.now())
  /** The families whose rules were programmed, in order. */
  const programmed: string[] = []
  const health = new ProxierHealth({ families: ['IPv4'], timeoutMs: 2 * SYNC_PERIOD, startedAt: EPOCH, clock })
  const store = new ObjectStore('node-a')
  const loop = new SyncLoop({
    store,
    proxier,
    modeSwitch: { onRulesProgrammed: family => programmed.push(family) },
    scope: { nodeName: 'node-a', families: ['IPv4'], rangesAtNodePorts: false },
    mayStart: options.mayStart ?? (() => true),
    onApplied: snapshot => served.push([...snapshot.ports.keys()].join(' ')),
    clock,
    wallTime: () => EPOCH + clock.now(),
    record: combineSyncObservers(health, recordInto(events), observeExtents),
    log,
    syncPeriod: SYNC_PERIOD,
    checkPeriod: options.checkPeriod ?? SYNC_PERIOD,
    minSyncPeriod: options.minSyncPeriod ?? MIN_SYNC_PERIOD,
  })
  store.subscribe({ onChange: loop.requestSync })
  const isHealthy = (): boolean => health.status.healthy
  const programTimes = (): number[] => proxier.programCalls.map(({ at }) => at)
  return {
    clock,
    events,
    extents,
    plans,
    lines,
    served,
    programmed,
    proxier,
    store,
    loop,
    isHealthy,
    programTimes,
    take: () => events.splice(0),
  }
}

export type Rig = ReturnType<typeof createRig>

/** Syncs one Service with one endpoint, and waits until the burst of the rate limit is available again. */
export async function start(rig: Rig): Promise<void> {
  rig.store.replace('Service', [makeApiService()])
  rig.store.replace('EndpointSlice', [makeApiSlice()])
  await rig.clock.advance(5000)
  rig.take()
  rig.proxier.programCalls.length = 0
}

/** The service port that `start` adds. */
export const KEY = 'IPv4/default/web:http/TCP'

/** Changes the ClusterIP of the Service to 10.96.0.`last`, which needs a write of rules. */
export function moveTo(rig: Rig, last: number): void {
  rig.store.upsert('Service', makeApiService({ clusterIP: `10.96.0.${last}` }))
}

/** The rule that the kernel has for the Service. */
export function ruleOf({ proxier }: Rig): string | undefined {
  return proxier.kernel.get(KEY)
}

/** The trigger time of a slice. */
export function at(ms: number): { triggerTime: string } {
  return { triggerTime: new Date(EPOCH + ms).toISOString() }
}

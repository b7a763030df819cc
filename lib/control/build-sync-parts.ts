import { combineSyncObservers } from '../observe/sync-observer.js'
import { servicesHealth } from '../snapshot/services-health.js'
import { SyncHistory } from '../status/sync-history.js'
import { realClock } from '../system/real-clock.js'
import { drainReplacedOrphans } from '../workers/beside-orphans.js'
import { type Observers } from './build-observers.js'
import { type ServingParts } from './build-serving-parts.js'
import { type BuildSetup } from './build-setup.js'
import { createNodeWait } from './create-node-wait.js'
import { HandOver } from './hand-over.js'
import { HAND_OVER_ADDRESS } from './hand-over-server.js'
import { ModeSwitch } from './mode-switch.js'
import { SyncLoop } from './sync-loop.js'

/** What decides when the proxier works: the wait for the Node, the sync loop, and the end of an earlier mode. */
export function buildSyncParts(setup: BuildSetup, serving: ServingParts, observers: Observers) {
  const { config, life, modes, log, choices, portsFree, predecessors, successor, isAgain, proof, isNameTaken } = setup
  const { iptables, kernel, mode, dataPlane } = choices
  const { store, node, failover, proxier } = serving
  const { rulesHealth, metrics, serviceHealth } = observers
  const families = iptables.map(({ family }) => family)
  const programmed = new AbortController()
  const syncHistory = new SyncHistory(families, Date.now, error =>
    log.error('Cannot send a sync to the clients of the status API', error),
  )
  const nodeWait = createNodeWait(setup, node)
  const leftModes = modes
    .filter(other => other !== mode)
    .flatMap(({ name, drain }) => (drain === undefined ? [] : [{ mode: name, drain: drain(config, kernel, log) }]))
  const handOver = new HandOver({
    address: HAND_OVER_ADDRESS,
    proof,
    predecessors,
    successor,
    isAgain,
    isNameTaken,
    onPortsFree: () => portsFree.abort(),
    clock: realClock,
    log,
  })
  const modeSwitch = new ModeSwitch(families, leftModes, realClock, log, () => {
    life.handle('programmed')
    programmed.abort()
    handOver.announceServing()
    void drainReplacedOrphans(log)
  })
  const { syncPeriod, minSyncPeriod, checkPeriod = syncPeriod } = mode.syncPeriods(config)
  const syncLoop = new SyncLoop({
    store,
    proxier,
    modeSwitch,
    scope: { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts },
    mayStart: () => {
      if (!nodeWait.isOver()) return false
      life.handle('objects known')
      return handOver.mayServe()
    },
    onApplied: snapshot => {
      metrics.sync.applied(snapshot)
      syncHistory.applied(snapshot)
      serviceHealth.sync(servicesHealth(snapshot))
      dataPlane?.reserveDescriptors(serviceHealth.maxDescriptors)
      failover?.update(snapshot)
    },
    clock: realClock,
    wallTime: Date.now,
    record: combineSyncObservers(rulesHealth, metrics.sync, syncHistory),
    log,
    syncPeriod,
    minSyncPeriod,
    checkPeriod,
  })
  return { programmed, nodeWait, handOver, modeSwitch, syncLoop, syncHistory }
}

/** What `buildSyncParts` returns. */
export type SyncParts = ReturnType<typeof buildSyncParts>

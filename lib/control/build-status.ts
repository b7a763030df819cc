import { owns } from '../netfilter/stale-chains.js'
import { explainEndpoints } from '../snapshot/explain-endpoints.js'
import { LiveEvents } from '../status/live-events.js'
import { SMALL_ROUTES, statusRoutes } from '../status/status-routes.js'
import { StatusServer } from '../status/status-server.js'
import { type StatusSources } from '../status/status-sources.js'
import { realClock } from '../system/real-clock.js'
import { type Observers } from './build-observers.js'
import { type ServingParts } from './build-serving-parts.js'
import { type BuildSetup } from './build-setup.js'
import { type SyncParts } from './build-sync-parts.js'
import { VERSION } from './version.js'

/**
 * Starts the server of the status API. Its answers are made from the other parts when a client asks.
 * @param wallTime milliseconds since 1970
 */
export function buildStatus(
  setup: BuildSetup,
  serving: ServingParts,
  observers: Observers,
  syncing: SyncParts,
  wallTime: () => number,
): StatusServer {
  const { config, bindAfter, log } = setup
  const sources = statusSources(setup, serving, observers, syncing, wallTime)
  const streams = new Map([['events', new LiveEvents(sources).stream]])
  return new StatusServer({
    path: config.statusSocket,
    proxyVersion: VERSION,
    routes: statusRoutes(sources, [...streams.keys()]),
    smallRoutes: SMALL_ROUTES,
    streams,
    bindAfter,
    clock: realClock,
    log,
  })
}

function statusSources(
  { config, choices, life, startedAt }: BuildSetup,
  { store, proxier }: ServingParts,
  { health }: Observers,
  { syncLoop, syncHistory }: SyncParts,
  wallTime: () => number,
): StatusSources {
  const { mode, iptables, dataPlane } = choices
  return {
    proxy: { proxyVersion: VERSION, mode: mode.name, carriedBy: mode.carriedBy },
    nodeName: config.nodeName,
    pid: process.pid,
    startedAt,
    syncs: syncHistory,
    state: () => {
      const { healthy, problems } = health.status
      return { life: life.state, isHealthy: healthy, problems }
    },
    snapshot: () => syncLoop.snapshot,
    served: () => proxier.served,
    explainEndpoints: servicePort =>
      explainEndpoints(
        servicePort,
        store.slicesOf(`${servicePort.namespace}/${servicePort.name}`),
        { name: config.nodeName, zone: store.node?.zone ?? '' },
        endpoint => proxier.served?.findLeftOut(servicePort, endpoint),
      ),
    readRules: () =>
      Promise.all(iptables.map(async each => [each.family, await each.readCounted(mode.chains.keys())] as const)),
    ownsChain: (table, chain) => owns(mode.chains, table, chain),
    inspect: request => dataPlane?.inspect(request),
    frontendsByListener: () => proxier.frontendsByListener ?? new Map(),
    wallTime,
    counts: () => (dataPlane === undefined ? undefined : Promise.resolve(dataPlane.counts())),
  }
}

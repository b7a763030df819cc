import { explainInMode } from '../explain/explain-in-mode.js'
import { type LiveProxy, explainLive } from '../explain/explain-live.js'
import { readRequest } from '../explain/read-request.js'
import { owns } from '../netfilter/stale-chains.js'
import { explainEndpoints } from '../snapshot/explain-endpoints.js'
import { LiveEvents } from '../status/live-events.js'
import { AnswerPace } from '../status/answer-pace.js'
import { SMALL_ROUTES, statusRoutes } from '../status/status-routes.js'
import { DashboardServer } from '../status/dashboard/dashboard-server.js'
import { StatusResponder } from '../status/status-responder.js'
import { StatusServer } from '../status/status-server.js'
import { type StatusSources } from '../status/status-sources.js'
import { preferMemory } from '../system/prefer-memory.js'
import { processCpuMs } from '../system/process-cpu.js'
import { realClock } from '../system/real-clock.js'
import { type Observers } from './build-observers.js'
import { type ServingParts } from './build-serving-parts.js'
import { type BuildSetup } from './build-setup.js'
import { type SyncParts } from './build-sync-parts.js'
import { VERSION } from './version.js'

/** The servers that answer what a proxy serves. */
interface StatusServers {
  close(): Promise<void>
}

/**
 * Starts the servers of the status API: the socket, and the port with the page. Their answers are made from the other parts when a client
 * asks, by one responder for each: no client of the port holds up those of the socket, which only root has.
 * @param wallTime milliseconds since 1970
 */
export function buildStatus(
  setup: BuildSetup,
  serving: ServingParts,
  observers: Observers,
  syncing: SyncParts,
  wallTime: () => number,
): StatusServers {
  const { config, bindAfter, log } = setup
  const sources = statusSources(setup, serving, observers, syncing, wallTime)
  const streams = new Map([['events', new LiveEvents(sources, preferMemory).stream]])
  const routes = statusRoutes(sources, [...streams.keys()])
  const pace = new AnswerPace({ clock: realClock, cpuMs: processCpuMs })
  const buildResponder = (): StatusResponder =>
    new StatusResponder({
      ...{ proxyVersion: VERSION, routes, smallRoutes: SMALL_ROUTES, streams, pace, clock: realClock, log },
    })
  const parts = { bindAfter, clock: realClock, log }
  const socket = new StatusServer({ ...parts, responder: buildResponder(), path: config.statusSocket })
  const dashboard = new DashboardServer({
    ...parts,
    responder: buildResponder(),
    address: config.dashboardBindAddress,
    allowsRemote: config.dashboardAllowRemote,
    tokenFile: config.dashboardTokenFile,
    nodeName: config.nodeName,
  })
  return {
    close: async () => {
      await Promise.all([socket.close(), dashboard.close()])
    },
  }
}

function statusSources(
  { config, choices, modes, life, startedAt }: BuildSetup,
  { store, proxier, node }: ServingParts,
  { health }: Observers,
  { syncLoop, syncHistory }: SyncParts,
  wallTime: () => number,
): StatusSources {
  const { mode, iptables, kernel, dataPlane } = choices
  const explain: StatusSources['explainEndpoints'] = servicePort =>
    explainEndpoints(
      servicePort,
      store.slicesOf(`${servicePort.namespace}/${servicePort.name}`),
      { name: config.nodeName, zone: store.node?.zone ?? '' },
      endpoint => proxier.served?.findLeftOut(servicePort, endpoint),
    )
  const readRules: StatusSources['readRules'] = () =>
    Promise.all(iptables.map(async each => [each.family, await each.readCounted(mode.chains.keys())] as const))
  const inspect: StatusSources['inspect'] = request => dataPlane?.inspect(request)
  const live: LiveProxy = {
    ...{ pid: process.pid, mode, nodeName: config.nodeName, kernel, readRules, inspect },
    objects: {
      services: store.services,
      localTraffic: family => node.getLocalTraffic(family),
      explainEndpoints: explain,
    },
    get node() {
      return store.node
    },
    get resolved() {
      return proxier.served?.resolved
    },
    get listeners() {
      return proxier.listeners ?? []
    },
  }
  return {
    proxy: { proxyVersion: VERSION, mode: mode.name, carriedBy: mode.carriedBy },
    modes: modes.flatMap(({ name, forecast }) => (forecast === undefined ? [] : name)),
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
    explainEndpoints: explain,
    readRules,
    explain: question => {
      const request = readRequest(question, VERSION)
      const other = modes.find(({ name }) => name === question.mode && name !== mode.name)
      return other === undefined ? explainLive(request, live) : explainInMode(request, other, live, { config, store })
    },
    ownsChain: (table, chain) => owns(mode.chains, table, chain),
    inspect,
    frontendsByListener: () => proxier.frontendsByListener ?? new Map(),
    wallTime,
    counts: () => (dataPlane === undefined ? undefined : Promise.resolve(dataPlane.counts())),
  }
}

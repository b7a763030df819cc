import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { unspecifiedAddress } from '../model/address.js'
import { type EventSink } from '../model/event-sink.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type NodeEvents } from '../node/node-event-sink.js'
import { type NodeManager } from '../node/node-manager.js'
import { HealthWatch } from '../observe/health-watch.js'
import { type MetricRegistry } from '../observe/metric-registry.js'
import { Metrics } from '../observe/metrics.js'
import { ProxierHealth } from '../observe/proxier-health.js'
import { ProxyHealth } from '../observe/proxy-health.js'
import { ServiceHealthServers } from '../observe/service-health-servers.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { realClock } from '../system/real-clock.js'
import { type StartChoices } from './choose-at-start.js'
import { HttpServers } from './http-servers.js'
import { type LifeCycle } from './life-cycle.js'
import { type Predecessors } from './predecessors.js'
import { SourceHealth } from './source-health.js'
import { VERSION } from './version.js'

/** What observers observe. */
export interface ObserverInputs {
  readonly config: KubeProxyConfig
  /** May have metrics of other parts already. */
  readonly registry: MetricRegistry
  readonly life: LifeCycle
  readonly log: Log
  /** The proxies that have given way to this process. */
  readonly predecessors: Pick<Predecessors, 'count'>
  readonly choices: StartChoices
  /** Aborted with a failure when this process has to end because of it. */
  readonly fatal: AbortController
  /** As in `HttpListenerOptions`. */
  readonly bindAfter: Promise<unknown> | undefined
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly store: ObjectStore
  readonly node: NodeManager
  readonly events: EventSink
  readonly nodeEvents: NodeEvents
}

/** What people and other programs can read about the proxy: health, metrics and the ports that serve them. */
export function buildObservers(inputs: ObserverInputs) {
  const { config, registry, life, log, predecessors, choices, fatal, bindAfter, startedAt } = inputs
  const { store, node, events, nodeEvents } = inputs
  const { cluster, iptables, mode, rejected, dataPlane } = choices
  const families = iptables.map(({ family }) => family)
  const { syncPeriod } = mode.syncPeriods(config)
  const rulesHealth = new ProxierHealth({ families, timeoutMs: 2 * syncPeriod, startedAt, clock: realClock })
  const sourceHealth = new SourceHealth(cluster.source, config.healthzStaleTimeout)
  const health = new ProxyHealth(rulesHealth, [
    {
      name: 'data_plane',
      get problem() {
        return dataPlane?.problem
      },
    },
    sourceHealth,
  ])
  const healthWatch = new HealthWatch({ health, clock: realClock, log })
  const metrics = new Metrics({
    registry,
    families,
    dataPlane,
    mode: { mode: mode.name, rejected },
    pending: () => store.pendingChanges,
    health: () => health.partsHealth,
    sourceAgeMs: () => cluster.source.ageMs,
    standbyProxies: () => predecessors.count,
    startedAt,
    version: VERSION,
  })
  const serviceHealth = new ServiceHealthServers({
    addresses: () => families.flatMap(family => node.getNodePortAddresses(family) ?? unspecifiedAddress(family)),
    bindAfter,
    isHealthy: () => !life.duties.isLeaving && health.status.healthy,
    onBindFailure: ({ namespace, name }, port, failure) =>
      events.record({
        type: 'Warning',
        reason: 'FailedToStartServiceHealthcheck',
        action: 'Listen',
        note: `failed to start healthcheck "${namespace}/${name}" on port ${port}: ${messageOf(failure)}`,
        regarding: { kind: 'Service', namespace, name },
      }),
    log,
  })
  const httpServers = new HttpServers({
    config,
    mode: mode.name,
    health,
    metrics,
    workerProfiles: dataPlane?.workerProfiles,
    startedAt,
    nodeEligible: () => store.node?.eligible ?? true,
    duties: () => life.duties,
    bindAfter,
    onBindFailure: (reason, failure, isAtStart) => {
      nodeEvents.record('Warning', reason, messageOf(failure))
      if (isAtStart && config.bindAddressHardFail) fatal.abort(failure)
    },
    clock: realClock,
    log,
  })
  return { health, rulesHealth, sourceHealth, healthWatch, metrics, serviceHealth, httpServers }
}

/** The observers of one proxy. */
export type Observers = ReturnType<typeof buildObservers>

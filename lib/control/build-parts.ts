import { type DataPlane } from '../dataplane/data-plane.js'
import { type Failover } from '../failover/kernel-failover.js'
import { type Proxier } from '../modes/proxier.js'
import { MODES } from '../modes/registry.js'
import { type NodeEvents } from '../node/node-event-sink.js'
import { nodeGoneFailure } from '../node/node-failures.js'
import { type NodeManager } from '../node/node-manager.js'
import { type NodeWait } from '../node/node-wait.js'
import { MetricRegistry } from '../observe/metric-registry.js'
import { RequestMetrics } from '../observe/request-metrics.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { type RuleMonitor } from '../system/rule-monitor.js'
import { buildObservers } from './build-observers.js'
import { type ServingParts, buildServingParts } from './build-serving-parts.js'
import { type BuildOptions, type BuildSetup } from './build-setup.js'
import { type SyncParts, buildSyncParts } from './build-sync-parts.js'
import { chooseAtStart } from './choose-at-start.js'
import { type Cluster } from './choose-source.js'
import { aborted } from './drain-data-plane.js'
import { type HandOver } from './hand-over.js'
import { HAND_OVER_ADDRESS } from './hand-over-server.js'
import { type HttpServers } from './http-servers.js'
import { LifeCycle } from './life-cycle.js'
import { type ModeSwitch } from './mode-switch.js'
import { reportProblems } from './report-problems.js'
import { isServing } from './request-hand-over.js'
import { type SourceHealth } from './source-health.js'
import { type SyncLoop } from './sync-loop.js'
import { watchRules } from './watch-rules.js'

/** The parts of a running proxy that `KubeProxy` starts and ends. */
export interface Parts {
  readonly life: LifeCycle
  readonly cluster: Cluster
  readonly store: ObjectStore
  readonly nodeEvents: NodeEvents
  readonly nodeWait: NodeWait
  readonly proxier: Proxier
  readonly dataPlane: DataPlane | undefined
  /** Undefined if the kernel serves anyway, or must not serve when this process has ended. */
  readonly failover: Failover | undefined
  /** Undefined if the rules are read instead. */
  readonly ruleMonitor: RuleMonitor | undefined
  readonly modeSwitch: ModeSwitch
  readonly handOver: HandOver
  readonly syncLoop: SyncLoop
  readonly node: NodeManager
  readonly sourceHealth: SourceHealth
  readonly httpServers: HttpServers
  readonly servers: readonly { close(): Promise<void> }[]
  /** Aborted when the rules of every family are in the kernel. */
  readonly programmed: AbortController
  /** Aborted with a failure when this process has to end because of it. */
  readonly fatal: AbortController
}

/**
 * Makes the parts of a proxy, each one from those before it, and connects them at the end. Nothing is written to the kernel yet
 * except for probes, which leave nothing behind.
 *
 * @throws ProxyFailure if a part can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function buildParts({ modes = MODES, ...options }: BuildOptions): Promise<Parts> {
  const { config, log, onFailure } = options
  const registry = new MetricRegistry()
  const choices = await chooseAtStart(config, modes, log, new RequestMetrics(registry), onFailure)
  const life = new LifeCycle()
  const portsFree = new AbortController()
  const bindAfter = (await isServing(HAND_OVER_ADDRESS)) ? aborted(portsFree.signal) : undefined
  const fatal = new AbortController()
  const setup: BuildSetup = {
    ...options,
    registry,
    life,
    modes,
    choices,
    fatal,
    portsFree,
    bindAfter,
    startedAt: Date.now(),
  }
  // Before the probes of rules: what they write shows that the monitor works.
  const ruleMonitor = watchRules(choices.mode.chains, choices.iptables, log)
  onFailure(() => ruleMonitor?.stop())
  const serving = await buildServingParts(setup)
  const observers = buildObservers({ ...setup, ...serving })
  const servers = [observers.httpServers, observers.serviceHealth, observers.healthWatch]
  onFailure(() => Promise.all(servers.map(server => server.close())))
  const syncing = buildSyncParts(setup, serving, observers)
  connectParts(setup, serving, syncing)
  ruleMonitor?.subscribe(family => syncing.syncLoop.checkRules(family))
  const { cluster, dataPlane } = choices
  const { sourceHealth, httpServers } = observers
  return { life, fatal, cluster, dataPlane, ruleMonitor, sourceHealth, httpServers, ...serving, ...syncing, servers }
}

/** Lets changes of the cluster's objects, and the turn of this proxy, start a sync. */
function connectParts(
  { config, life, fatal, log }: BuildSetup,
  { store, node, events }: ServingParts,
  syncing: SyncParts,
): void {
  const { nodeWait, handOver, syncLoop } = syncing
  store.subscribe({
    onProblems: problems => reportProblems(problems, log, events),
    onChange: () => {
      // Manifests may omit the Node. In a cluster, this process is useless once the Node is deleted.
      if (node.reportChanges(log) && config.manifests.length === 0) fatal.abort(nodeGoneFailure(config.nodeName))
      syncLoop.requestSync()
    },
  })
  nodeWait.subscribe(syncLoop.requestSync)
  handOver.subscribe({
    onTurn: () => {
      life.handle('our turn')
      syncLoop.requestSync()
    },
    onLateHandOver: () => syncLoop.verifyRules(),
  })
}

import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { chooseFailover } from '../failover/choose-failover.js'
import { type Failover } from '../failover/kernel-failover.js'
import { type EventSink } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { objectKey } from '../model/objects.js'
import { type Mode, type ModeResources } from '../modes/mode.js'
import { type Proxier } from '../modes/proxier.js'
import { MODES, chainOwners } from '../modes/registry.js'
import { NodeEventSink } from '../node/node-event-sink.js'
import { NodeEvents } from '../node/node-events.js'
import { nodeGoneFailure } from '../node/node-failures.js'
import { NodeManager } from '../node/node-manager.js'
import { type NodeWait } from '../node/node-wait.js'
import { FlowMetrics } from '../observe/flow-metrics.js'
import { LoopbackMetrics } from '../observe/loopback-metrics.js'
import { MetricRegistry } from '../observe/metric-registry.js'
import { RequestMetrics } from '../observe/request-metrics.js'
import { combineSyncObservers } from '../observe/sync-observer.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { servicesHealth } from '../snapshot/services-health.js'
import { realClock } from '../system/real-clock.js'
import { type RuleMonitor } from '../system/rule-monitor.js'
import { type StartChoices, chooseAtStart } from './choose-at-start.js'
import { type Cluster } from './choose-source.js'
import { HandOver, type SuccessorCallbacks } from './hand-over.js'
import { iptablesProof } from './hand-over-proof.js'
import { isServing } from './request-hand-over.js'
import { HAND_OVER_ADDRESS } from './hand-over-server.js'
import { createNodeWait } from './create-node-wait.js'
import { type Observers, buildObservers } from './build-observers.js'
import { aborted } from './drain-data-plane.js'
import { type HttpServers } from './http-servers.js'
import { LifeCycle } from './life-cycle.js'
import { ModeSwitch } from './mode-switch.js'
import { reportProblems } from './report-problems.js'
import { type SourceHealth } from './source-health.js'
import { SyncLoop } from './sync-loop.js'
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

/** What `buildParts` makes the parts from. */
export interface BuildOptions {
  readonly config: KubeProxyConfig
  readonly log: Log
  /** All modes that `--proxy-mode` may name; undefined: those of the registry. */
  readonly modes: readonly Mode[] | undefined
  /** Called when a later proxy takes over. */
  readonly successor: SuccessorCallbacks
  /** Takes what must be undone if the start fails, here or later. */
  readonly onFailure: (undo: () => unknown) => void
}

/** What every part may need. */
interface Setup extends BuildOptions {
  readonly registry: MetricRegistry
  readonly life: LifeCycle
  /** Aborted when no other proxy serves this node any more. */
  readonly ourTurn: AbortController
  /** If another proxy has the ports of health checks and metrics: resolves when it has released them. */
  readonly bindAfter: Promise<unknown> | undefined
  readonly modes: readonly Mode[]
  readonly choices: StartChoices
  readonly fatal: AbortController
  /** Milliseconds since 1970. */
  readonly startedAt: number
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
  const ourTurn = new AbortController()
  const bindAfter = (await isServing(HAND_OVER_ADDRESS)) ? aborted(ourTurn.signal) : undefined
  const fatal = new AbortController()
  const setup: Setup = { ...options, registry, life, modes, choices, fatal, ourTurn, bindAfter, startedAt: Date.now() }
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

/** What carries the traffic of Services: the objects of the cluster, this node, and the proxier of the mode. */
async function buildServingParts({ config, registry, modes, log, choices, onFailure }: Setup) {
  const { cluster, iptables, kernel, mode, dataPlane } = choices
  const families = iptables.map(({ family }) => family)
  const store = new ObjectStore(config.nodeName)
  const node = new NodeManager(config, () => store.node)
  const events: EventSink = new NodeEventSink({
    sink: cluster.events,
    nodeName: config.nodeName,
    getServiceUid: (namespace, name) => store.services.get(objectKey({ namespace, name }))?.uid,
  })
  const nodeEvents = new NodeEvents(events, config.nodeName)
  const resources: ModeResources = {
    config,
    kernel,
    node,
    chainOwners: chainOwners(mode.name, modes),
    dataPlane,
    events,
    flowObserver: new FlowMetrics(registry, families),
    loopbackObserver: mode.carriedBy === 'sockets' ? new LoopbackMetrics(registry, families) : undefined,
    log,
    clock: realClock,
    random: Math.random,
  }
  const failover = mode.carriedBy === 'sockets' ? await chooseFailover(resources, iptables, modes) : undefined
  onFailure(() => failover?.disarm())
  const proxier = await mode.createProxier(resources)
  return { store, node, events, nodeEvents, failover, proxier }
}

type ServingParts = Awaited<ReturnType<typeof buildServingParts>>

/** What decides when the proxier works: the wait for the Node, the sync loop, and the end of an earlier mode. */
function buildSyncParts(setup: Setup, serving: ServingParts, observers: Observers) {
  const { config, life, modes, log, choices, ourTurn, successor } = setup
  const { iptables, kernel, mode, dataPlane } = choices
  const { store, node, failover, proxier } = serving
  const { rulesHealth, metrics, serviceHealth } = observers
  const families = iptables.map(({ family }) => family)
  const programmed = new AbortController()
  const nodeWait = createNodeWait(setup, node)
  const leftModes = modes
    .filter(other => other !== mode)
    .flatMap(({ name, drain }) => (drain === undefined ? [] : [{ mode: name, drain: drain(config, kernel, log) }]))
  const handOver = new HandOver(iptablesProof(iptables[0]!), realClock, log, {
    ...successor,
    onPredecessorGone: async () => {
      // The rules have changed since the start. If they cannot be read, the next check of the rules does.
      await proxier
        .start()
        .catch((error: unknown) => log.error('Cannot read the rules of the earlier kube-proxy', error))
    },
    onTurn: () => {
      life.handle('our turn')
      ourTurn.abort()
      syncLoop.requestSync()
    },
  })
  const modeSwitch = new ModeSwitch(families, leftModes, realClock, log, () => {
    life.handle('programmed')
    programmed.abort()
    handOver.announceServing()
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
      serviceHealth.sync(servicesHealth(snapshot))
      dataPlane?.reserveDescriptors(serviceHealth.maxDescriptors)
      failover?.update(snapshot)
    },
    clock: realClock,
    wallTime: Date.now,
    record: combineSyncObservers(rulesHealth, metrics.sync),
    log,
    syncPeriod,
    minSyncPeriod,
    checkPeriod,
  })
  return { programmed, nodeWait, handOver, modeSwitch, syncLoop }
}

type SyncParts = ReturnType<typeof buildSyncParts>

/** Lets changes of the cluster's objects start a sync. */
function connectParts({ config, fatal, log }: Setup, { store, node, events }: ServingParts, syncing: SyncParts): void {
  const { nodeWait, syncLoop } = syncing
  store.subscribe({
    onProblems: problems => reportProblems(problems, log, events),
    onChange: () => {
      // Manifests may omit the Node. In a cluster, this process is useless once the Node is deleted.
      if (node.reportChanges(log) && config.manifests.length === 0) fatal.abort(nodeGoneFailure(config.nodeName))
      syncLoop.requestSync()
    },
  })
  nodeWait.subscribe(syncLoop.requestSync)
}

import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { KernelFailover } from '../failover/kernel-failover.js'
import { unspecifiedAddress } from '../model/address.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { objectKey } from '../model/objects.js'
import { type Mode, type ModeResources } from '../modes/mode.js'
import { MODES, chainOwners, modeByName } from '../modes/registry.js'
import { type Proxier } from '../modes/proxier.js'
import { NodeEventSink } from '../node/node-event-sink.js'
import { NODE_MISSING_HINT, nodeGoneFailure, nodeMissingFailure } from '../node/node-failures.js'
import { NodeManager } from '../node/node-manager.js'
import { NodeWait } from '../node/node-wait.js'
import { Metrics } from '../observe/metrics.js'
import { ProxierHealth } from '../observe/proxier-health.js'
import { ServiceHealthServers } from '../observe/service-health-servers.js'
import { combineSyncObservers } from '../observe/sync-observer.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { servicesHealth } from '../snapshot/services-health.js'
import { detectIptables } from '../system/detect-iptables.js'
import { kernelTools } from '../system/kernel-tools.js'
import { realClock } from '../system/real-clock.js'
import { chooseDataPlane } from './choose-data-plane.js'
import { chooseMode } from './choose-mode.js'
import { type Cluster, chooseSource } from './choose-source.js'
import { startHttpServers } from './http-servers.js'
import { ModeSwitch } from './mode-switch.js'
import { NodeEvents } from '../node/node-events.js'
import { reportProblems } from './report-problems.js'
import { SyncLoop } from './sync-loop.js'
import { VERSION } from './version.js'

/** Rules are checked this often, so that what other programs have done to them is mended within five seconds. */
const CHECK_PERIOD_MS = 4000

/** The parts of a running proxy that it starts and ends. */
export interface Parts {
  readonly cluster: Cluster
  readonly store: ObjectStore
  readonly nodeEvents: NodeEvents
  readonly nodeWait: NodeWait
  readonly proxier: Proxier
  readonly dataPlane: DataPlane | undefined
  readonly failover: KernelFailover | undefined
  readonly modeSwitch: ModeSwitch
  readonly syncLoop: SyncLoop
  readonly servers: readonly { close(): Promise<void> }[]
  /** Aborted with the failure for which this process has to end. */
  readonly fatal: AbortController
}

/**
 * Makes the parts of a proxy, each from those before it, and then connects what hears of changes. Nothing is written to the
 * kernel yet, but for probes that leave nothing behind.
 *
 * @param modes every mode there is
 * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function buildParts(config: KubeProxyConfig, log: Log, modes: readonly Mode[] = MODES): Promise<Parts> {
  const preferred = config.modes.map(name => modeByName(name, modes))
  // First of all: workers start while the rest is looked at, and end with this process if that fails.
  const isSure = preferred.length === 1 && preferred[0]!.carriedBy === 'sockets'
  const earlyDataPlane = isSure ? chooseDataPlane(config, log) : undefined
  const cluster = await chooseSource(config, realClock, log)
  const iptables = await detectIptables(log)
  const kernel = kernelTools(iptables, log)
  const chosen = await chooseMode(preferred, mode => mode.probe(config, kernel), log)
  const { mode } = chosen
  const families = iptables.map(({ family }) => family)
  const startedAt = Date.now()

  const fatal = new AbortController()
  const store = new ObjectStore(config.nodeName)
  const node = new NodeManager(config, () => store.node)
  const events = new NodeEventSink({
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
    dataPlane: undefined,
    events,
    log,
    clock: realClock,
    random: Math.random,
  }
  const failover =
    mode.carriedBy === 'sockets' && config.onExit === 'kernel'
      ? await KernelFailover.create(resources, iptables, modes)
      : undefined
  const dataPlane = mode.carriedBy === 'sockets' ? await (earlyDataPlane ?? chooseDataPlane(config, log)) : undefined
  const proxier = await mode.createProxier({ ...resources, dataPlane })

  const { syncPeriod, minSyncPeriod } = mode.syncPeriods(config)
  const health = new ProxierHealth({ families, timeoutMs: 2 * syncPeriod, startedAt })
  const metrics = new Metrics({
    dataPlane,
    mode: { mode: mode.name, rejected: chosen.rejected },
    pending: () => store.pendingChanges,
    startedAt,
    version: VERSION,
  })
  const nodeWait = new NodeWait({
    clock: realClock,
    log,
    timeoutMs: mode.nodeWait.timeoutMs,
    missing: () => (config.manifests.length > 0 ? undefined : node.missing),
    onTimeout: missing => {
      if (mode.nodeWait.then === 'exit')
        return fatal.abort(nodeMissingFailure(config.nodeName, missing, mode.nodeWait.timeoutMs))
      log.warn('Serving without the Node of this machine: its zone and addresses count from when they are known', {
        missing,
        hint: NODE_MISSING_HINT,
      })
    },
  })
  const serviceHealth = new ServiceHealthServers({
    addresses: () => families.flatMap(family => node.getNodePortAddresses(family) ?? unspecifiedAddress(family)),
    isHealthy: () => health.statusAt(Date.now()).healthy,
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
  const leftModes = modes
    .filter(other => other !== mode)
    .flatMap(({ name, drain }) => (drain === undefined ? [] : [{ mode: name, drain: drain(config, kernel, log) }]))
  const modeSwitch = new ModeSwitch(families, leftModes, realClock, log)
  const syncLoop = new SyncLoop({
    store,
    proxier,
    modeSwitch,
    scope: { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts },
    mayStart: () => nodeWait.isOver(),
    onApplied: snapshot => {
      serviceHealth.sync(servicesHealth(snapshot))
      dataPlane?.reserveDescriptors(serviceHealth.maxDescriptors)
      failover?.update(snapshot)
    },
    clock: realClock,
    wallTime: Date.now,
    record: combineSyncObservers(health, metrics),
    log,
    syncPeriod,
    minSyncPeriod,
    checkPeriod: Math.min(syncPeriod, CHECK_PERIOD_MS),
  })
  const httpServers = startHttpServers({
    config,
    mode: mode.name,
    health,
    metrics,
    nodeEligible: () => store.node?.eligible ?? true,
    onBindFailure: (reason, note) => nodeEvents.record('Warning', reason, note),
    clock: realClock,
    log,
  })

  store.subscribe({
    onProblems: problems => reportProblems(problems, log, events),
    onChange: () => {
      // Manifests may leave the Node out; a cluster that has deleted it has no use for this process.
      if (node.reportChanges(log) && config.manifests.length === 0) fatal.abort(nodeGoneFailure(config.nodeName))
      syncLoop.requestSync()
    },
  })
  nodeWait.subscribe(syncLoop.requestSync)
  const servers = [...httpServers, serviceHealth]
  return { cluster, store, nodeEvents, nodeWait, proxier, dataPlane, failover, modeSwitch, syncLoop, servers, fatal }
}

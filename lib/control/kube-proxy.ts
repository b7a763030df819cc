import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { unspecifiedAddress } from '../model/address.js'
import { type ClusterEvent, type EventSink } from '../model/event-sink.js'
import { messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { objectKey } from '../model/objects.js'
import { drainIpvs } from '../modes/ipvs/drain.js'
import { type Proxier } from '../modes/proxier.js'
import { combineSyncObservers } from '../observe/sync-observer.js'
import { Metrics } from '../observe/metrics.js'
import { ProxierHealth } from '../observe/proxier-health.js'
import { ServiceHealthServers } from '../observe/service-health-servers.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { servicesHealth } from '../snapshot/services-health.js'
import { ConntrackProgram } from '../system/conntrack.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { realClock } from '../system/real-clock.js'
import { cleanupOnExit } from './clean-up-at-end.js'
import { type Cluster } from './choose-source.js'
import { drain } from './drain.js'
import { type Prepared, prepare } from './prepare.js'
import { startHttpServers } from './http-servers.js'
import { createKernelFailover } from './make-stand-in.js'
import { createProxier } from './make-proxier.js'
import { IpvsDrain } from './ipvs-leaving.js'
import { hasIpvsLeftovers, ipvsCleanupOptions } from './left-ipvs.js'
import { type KernelFailover } from '../failover/kernel-failover.js'
import { syncPeriods } from './sync-periods.js'
import { NodeEventSink } from '../node/node-event-sink.js'
import { NodeWait } from '../node/node-wait.js'
import { NodeManager } from '../node/node-manager.js'
import { nodeGoneFailure } from './node-gone.js'
import { NODE_MISSING_HINT, nodeMissingFailure } from './node-missing.js'
import { SyncLoop } from './sync-loop.js'
import { reportProblems } from './report-problems.js'
import { VERSION } from './version.js'

/** How long a write of rules that is under way at the end is waited for; what it does, it does as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000
/** Rules are looked at this often, so that what others have done to them is mended within five seconds. */
const CHECK_PERIOD_MS = 4000
/**
 * How long the first sync waits for our Node, whose zone decides who serves. In userspace mode nothing is served meanwhile, so
 * its absence must not be an outage; in the others the kernel goes on with what it has, and kube-proxy waits as long.
 */
const NODE_WAIT_MS = { userspace: 5000, iptables: 300_000, ipvs: 300_000 } as const

/** One running kube-proxy: the parts, put together. What they do is in the parts. */
export class KubeProxy {
  readonly #config: KubeProxyConfig
  readonly #log: Log
  readonly #cluster: Cluster
  readonly #events: EventSink
  /** Aborted with the failure for which this process has to end. */
  readonly #fatalFailure = new AbortController()
  readonly #nodeWait: NodeWait
  readonly #store: ObjectStore
  readonly #dataPlane: DataPlane | undefined
  readonly #proxier: Proxier
  readonly #syncLoop: SyncLoop
  /** Of ipvs mode, by any other. */
  readonly #ipvsDrain: IpvsDrain | undefined
  readonly #failover: KernelFailover | undefined
  readonly #servers: readonly { close(): Promise<void> }[]

  /**
   * Puts the parts together and reads what an earlier process left in the kernel. Nothing is written yet.
   * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig
   */
  static async create(config: KubeProxyConfig, log: Log): Promise<KubeProxy> {
    log.info(0, 'Starting', {
      version: VERSION,
      node: process.version,
      mode: config.modes.join(','),
      nodeName: config.nodeName,
    })
    const proxy = new KubeProxy(config, log, await prepare(config, log))
    proxy.#recordNodeEvent('Normal', 'Starting', '')
    const { failed } = applyConntrackSettings(config.conntrack, log)
    if (failed.some(({ file }) => file === HASHSIZE_FILE))
      proxy.#recordNodeEvent(
        'Warning',
        'readOnlySysFS',
        'cannot set the size of the conntrack table: the kernel keeps its own',
      )
    await proxy.#proxier.start()
    return proxy
  }

  private constructor(config: KubeProxyConfig, log: Log, { chosenMode, resources, cluster, iptables }: Prepared) {
    const { mode } = chosenMode
    const dataPlane = resources.mode === 'userspace' ? resources.dataPlane : undefined
    this.#config = config
    this.#log = log
    this.#dataPlane = dataPlane
    this.#cluster = cluster
    const startedAt = Date.now()
    const node = new NodeManager(config, () => this.#store.node)
    const events = new NodeEventSink({
      sink: cluster.events,
      nodeName: config.nodeName,
      getServiceUid: (namespace, name) => this.#store.services.get(objectKey({ namespace, name }))?.uid,
    })
    this.#events = events
    const families = iptables.map(({ family }) => family)
    const parts = { config, iptables, node, events, log }
    this.#proxier = createProxier(resources, parts)
    const standIn = resources.mode === 'userspace' ? resources.failoverSettings : undefined
    this.#failover = standIn === undefined ? undefined : createKernelFailover(standIn, iptables, parts)
    const { syncPeriod, minSyncPeriod } = syncPeriods(mode, config)
    const health = new ProxierHealth({ families, timeoutMs: 2 * syncPeriod, startedAt })
    const metrics = new Metrics({
      dataPlane,
      mode: chosenMode,
      pending: () => this.#store.pendingChanges,
      startedAt,
      version: VERSION,
    })
    this.#store = new ObjectStore({
      nodeName: config.nodeName,
      onChange: () => {
        // Manifests may leave the Node out; a cluster that has let go of it has no use for this process.
        if (node.reportChanges(log) && config.manifests.length === 0)
          this.#fatalFailure.abort(nodeGoneFailure(config.nodeName))
        this.#syncLoop.requestSync()
      },
      onProblems: problems => reportProblems(problems, log, events),
    })
    this.#nodeWait = new NodeWait({
      clock: realClock,
      log,
      timeoutMs: NODE_WAIT_MS[mode],
      missing: () => (config.manifests.length > 0 ? undefined : node.missing),
      onTimeout: missing => {
        if (mode !== 'userspace')
          return this.#fatalFailure.abort(nodeMissingFailure(config.nodeName, missing, NODE_WAIT_MS[mode]))
        log.warn('Serving without our own Node: its zone and addresses count from when they are known', {
          missing,
          hint: NODE_MISSING_HINT,
        })
        this.#syncLoop.requestSync()
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
    const retire = async () => {
      if (!hasIpvsLeftovers()) return 'nothing there'
      const left = ipvsCleanupOptions(config.kernelModes.ipvs.excludeCIDRs)
      return drainIpvs({ ...left, conntrack: new ConntrackProgram(log), log })
    }
    this.#ipvsDrain = mode === 'ipvs' ? undefined : new IpvsDrain(families, retire, realClock, log)
    this.#syncLoop = new SyncLoop({
      store: this.#store,
      proxier: this.#proxier,
      scope: { nodeName: config.nodeName, families, rangesAtNodePorts: config.rangesAtNodePorts },
      mayStart: () => this.#nodeWait.isOver(),
      onApplied: snapshot => {
        serviceHealth.sync(servicesHealth(snapshot))
        dataPlane?.reserveDescriptors(serviceHealth.maxDescriptors)
        this.#failover?.update(snapshot)
      },
      clock: realClock,
      wallTime: Date.now,
      record: combineSyncObservers(health, metrics, ...(this.#ipvsDrain === undefined ? [] : [this.#ipvsDrain])),
      log,
      syncPeriod,
      minSyncPeriod,
      checkPeriod: Math.min(syncPeriod, CHECK_PERIOD_MS),
    })
    const servers = startHttpServers({
      config,
      mode,
      health,
      metrics,
      nodeEligible: () => this.#store.node?.eligible ?? true,
      onBindFailure: (reason, note) => this.#recordNodeEvent('Warning', reason, note),
      clock: realClock,
      log,
    })
    this.#servers = [...servers, serviceHealth]
  }

  /**
   * Serves until `stop` is aborted, then drains: new connections are refused, open ones may go on until the drain
   * time-out, or until `cutOff` is aborted. What becomes of the rules is `--on-exit`'s to say.
   * @throws ProxyFailure when the source can never work, or our Node was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    const { source, events } = this.#cluster
    const stopEvents = new AbortController()
    const eventsWritten = events.run(stopEvents.signal)
    try {
      await source.run(this.#store, AbortSignal.any([stop, this.#fatalFailure.signal]))
      if (!stop.aborted) throw this.#fatalFailure.signal.reason
    } finally {
      stopEvents.abort()
      this.#nodeWait.stop()
      this.#ipvsDrain?.stop()
      // Not one after the other: a write of rules that hangs must not keep connections coming.
      const stopped = this.#syncLoop.stop()
      this.#proxier.stop?.()
      const lastWrite = Promise.race([stopped, new Promise(resolve => setTimeout(resolve, LAST_WRITE_TIMEOUT_MS))])
      if (this.#failover !== undefined) await lastWrite.then(() => this.#failover!.takeOver())
      if (this.#dataPlane !== undefined) await drain(this.#dataPlane, this.#config.drainTimeout, forceStop, this.#log)
      await lastWrite
      if (this.#config.onExit === 'cleanup') await cleanupOnExit(this.#log)
      await Promise.all([eventsWritten, ...this.#servers.map(server => server.close())])
    }
  }

  #recordNodeEvent(type: ClusterEvent['type'], reason: string, note: string): void {
    const regarding = { kind: 'Node', namespace: '', name: this.#config.nodeName } as const
    this.#events.record({ type, reason, action: 'StartKubeProxy', note, regarding })
  }
}

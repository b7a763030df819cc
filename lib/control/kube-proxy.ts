import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { DEFAULT_TIMINGS, InProcessDataPlane } from '../dataplane/in-process.js'
import { type Log } from '../model/log.js'
import { PortAllocator } from '../modes/userspace/port-allocator.js'
import { UserspaceProxier } from '../modes/userspace/proxier.js'
import { forwardSyncRecord } from '../observe/forward-sync-record.js'
import { startHealthServer } from '../observe/health-server.js'
import { type HttpListener } from '../observe/http-listener.js'
import { Metrics } from '../observe/metrics.js'
import { startMetricsServer } from '../observe/metrics-server.js'
import { ProxierHealth } from '../observe/proxier-health.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { type ObjectProblems } from '../snapshot/told-problems.js'
import { type Source } from '../source/source.js'
import { ConntrackProgram } from '../system/conntrack.js'
import { applyConntrackSettings } from '../system/conntrack-settings.js'
import { descriptorLimit } from '../system/descriptor-limit.js'
import { type Iptables } from '../system/iptables.js'
import { usableIptables } from '../system/usable-iptables.js'
import { realClock } from '../system/real-clock.js'
import { chooseSource } from './choose-source.js'
import { OwnNode } from './own-node.js'
import { SyncLoop } from './sync-loop.js'
import { VERSION } from './version.js'

/** How long a write of rules that is under way at the end is waited for; what it does, it does as a whole or not at all. */
const LAST_WRITE_MS = 1000
/** Rules are looked at this often, so that what others have done to them is mended within five seconds. */
const LOOK_MS = 4000

/** One running kube-proxy: the parts, put together. What they do is in the parts. */
export class KubeProxy {
  readonly #config: KubeProxyConfig
  readonly #log: Log
  readonly #source: Source
  readonly #store: ObjectStore
  readonly #dataPlane: DataPlane
  readonly #proxier: UserspaceProxier
  readonly #loop: SyncLoop
  readonly #servers: readonly HttpListener[]

  /**
   * Puts the parts together and reads what an earlier process left in the kernel. Nothing is written yet.
   * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig
   */
  static async create(config: KubeProxyConfig, log: Log): Promise<KubeProxy> {
    log.info(0, 'Starting', { version: VERSION, node: process.version, mode: config.mode, nodeName: config.nodeName })
    const source = await chooseSource(config, realClock, log)
    const proxy = new KubeProxy(config, log, source, await usableIptables(log))
    applyConntrackSettings(config.conntrack, log)
    await proxy.#proxier.start()
    return proxy
  }

  private constructor(config: KubeProxyConfig, log: Log, source: Source, iptables: readonly Iptables[]) {
    this.#config = config
    this.#log = log
    this.#source = source
    const startedAt = Date.now()
    const node = new OwnNode(config, () => this.#store.node)
    const families = iptables.map(({ family }) => family)
    const limit = descriptorLimit()
    const { udpIdleTimeout } = config
    this.#dataPlane = new InProcessDataPlane({
      log,
      clock: realClock,
      random: Math.random,
      descriptorLimit: limit,
      timings:
        udpIdleTimeout === undefined
          ? DEFAULT_TIMINGS
          : { ...DEFAULT_TIMINGS, udpOneWay: udpIdleTimeout, udpAnswered: udpIdleTimeout },
    })
    this.#proxier = new UserspaceProxier({
      dataPlane: this.#dataPlane,
      iptables,
      ports: new PortAllocator(config.portRange, Math.random),
      nodeAddress: family => node.address(family),
      conntrack: new ConntrackProgram(log),
      nodeAddresses: family => node.addresses(family),
      surroundings: family => node.surroundings(family),
      localhostNodePorts: family => node.servesNodePortsOnLoopback(family),
      log,
    })
    const health = new ProxierHealth({ families, timeoutMs: 2 * config.iptablesSyncPeriod, startedAt })
    const metrics = new Metrics({
      dataPlane: this.#dataPlane,
      pending: () => this.#store.pendingChanges,
      startedAt,
      version: VERSION,
    })
    this.#store = new ObjectStore({
      nodeName: config.nodeName,
      onChange: () => this.#loop.changed(),
      onProblems: problems => logProblems(log, problems),
    })
    this.#loop = new SyncLoop({
      store: this.#store,
      proxier: this.#proxier,
      scope: { nodeName: config.nodeName, families },
      clock: realClock,
      wallTime: Date.now,
      record: forwardSyncRecord(health, metrics),
      log,
      syncPeriod: config.iptablesSyncPeriod,
      minSyncPeriod: config.iptablesMinSyncPeriod,
      lookPeriod: Math.min(config.iptablesSyncPeriod, LOOK_MS),
    })
    const shared = { clock: realClock, log }
    this.#servers = [
      startHealthServer({
        address: config.healthzBindAddress,
        health,
        nodeEligible: () => this.#store.node?.eligible ?? true,
        record: metrics,
        ...shared,
      }),
      startMetricsServer({
        address: config.metricsBindAddress,
        metrics,
        proxyMode: config.mode,
        configz: () => config,
        ...shared,
      }),
    ]
    log.info(0, 'Open files', { limit })
  }

  /**
   * Serves until `stop` is aborted, then drains: new connections are refused, open ones may go on until the drain
   * time-out, or until `cutOff` is aborted. Rules stay in the kernel, as with kube-proxy.
   * @throws ProxyFailure when the source can never work
   */
  async run(stop: AbortSignal, cutOff: AbortSignal): Promise<void> {
    try {
      await this.#source.run(this.#store, stop)
    } finally {
      // Not one after the other: a write of rules that hangs must not keep connections coming.
      const stopped = this.#loop.stop()
      await this.#drain(cutOff)
      await Promise.race([stopped, new Promise(resolve => setTimeout(resolve, LAST_WRITE_MS))])
      await Promise.all(this.#servers.map(server => server.close()))
    }
  }

  async #drain(cutOff: AbortSignal): Promise<void> {
    const { drainTimeout } = this.#config
    const hurried = new Promise<void>(resolve => {
      if (cutOff.aborted) resolve()
      else cutOff.addEventListener('abort', () => resolve(), { once: true })
    })
    const drained = this.#dataPlane.drain(drainTimeout)
    this.#log.info(0, 'Draining: no new connections', { seconds: drainTimeout / 1000 })
    const cut = await Promise.race([drained, hurried.then(() => undefined)])
    if (cut === undefined) this.#log.warn('Told a second time to stop: open connections are cut off')
    else if (cut > 0) this.#log.warn('Drain time-out: open connections are cut off', { connections: cut })
    else this.#log.info(0, 'Drained')
  }
}

function logProblems(log: Log, { kind, name, problems }: ObjectProblems): void {
  for (const problem of problems) log.warn('Object with a field that cannot be used', { kind, name, problem })
}

import { availableParallelism } from 'node:os'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { undoOnFailure } from '../primitives/undo-on-failure.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { applyOomScore } from '../system/oom-score.js'
import { realClock } from '../system/real-clock.js'
import { type Parts, buildParts } from './build-parts.js'
import { workerCount } from './choose-data-plane.js'
import { cleanupOnExit } from './cleanup.js'
import { aborted, drainDataPlane, serveUntilIdle } from './drain-data-plane.js'
import { VERSION } from './version.js'

/** How long a shutdown waits for a write of rules that has begun. The kernel applies such a write as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000

/** The part of the drain timeout that is left for the last clients when nothing else serves, in milliseconds. */
const LAST_CLIENTS_MS = 1000

/** One running kube-proxy. `buildParts` makes its parts; this class starts and ends them. */
export class KubeProxy {
  readonly #config: KubeProxyConfig
  readonly #log: Log
  readonly #parts: Parts

  /**
   * Builds the parts and reads the rules that an earlier process left in the kernel. It writes no rule yet. If it fails, it ends
   * what it has started: workers, ports, timers.
   * @param modes all modes that `--proxy-mode` may name; left out: those of the registry
   * @throws ProxyFailure if a part can never work here: no iptables, no permission, no usable kubeconfig
   */
  static async create(config: KubeProxyConfig, log: Log, modes?: readonly Mode[]): Promise<KubeProxy> {
    log.info(0, 'Starting', {
      version: VERSION,
      node: process.version,
      mode: config.modes.join(','),
      nodeName: config.nodeName,
    })
    // Before the first worker starts: a process has the value of its parent.
    applyOomScore(config.oomScoreAdj, log)
    return undoOnFailure(async onFailure => {
      const parts = await buildParts({ config, log, modes, onFailure })
      parts.nodeEvents.record('Normal', 'Starting', '')
      const { failed } = applyConntrackSettings(config.conntrack, log)
      if (failed.some(({ file }) => file === HASHSIZE_FILE))
        parts.nodeEvents.record(
          'Warning',
          'readOnlySysFS',
          'cannot set the size of the conntrack table: the kernel keeps its own size',
        )
      await parts.proxier.start()
      return new KubeProxy(config, log, parts)
    })
  }

  private constructor(config: KubeProxyConfig, log: Log, parts: Parts) {
    this.#config = config
    this.#log = log
    this.#parts = parts
  }

  /** Whether data-plane workers watch this process, and end it when it no longer turns. */
  get isWatchedByWorkers(): boolean {
    const { dataPlane } = this.#parts
    return dataPlane !== undefined && workerCount(this.#config.dataPlaneWorkers, availableParallelism()) > 0
  }

  /**
   * Serves until `stop` is aborted, then ends as `LifeCycle` says: new clients are served until the kernel serves them, where it can,
   * and open connections may continue until the drain timeout, or until `forceStop` is aborted.
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    const { cluster, store, fatal } = this.#parts
    const [stopEvents, stopSource] = [new AbortController(), new AbortController()]
    const eventsWritten = cluster.events.run(stopEvents.signal)
    // The end does not wait for the source: a read that hangs must not keep this process alive.
    const sourceEnded = cluster.source.run(store, AbortSignal.any([stopSource.signal, fatal.signal]))
    sourceEnded.catch(() => undefined)
    try {
      await Promise.race([sourceEnded, aborted(stop)])
      if (!stop.aborted) throw fatal.signal.reason
    } finally {
      stopEvents.abort()
      await this.#leave(forceStop, stopSource)
      await eventsWritten
    }
  }

  /** While this proxy still serves, it follows the cluster; `stopSource` ends that. */
  async #leave(forceStop: AbortSignal, stopSource: AbortController): Promise<void> {
    const { life, nodeWait, modeSwitch, failover, dataPlane, servers } = this.#parts
    const deadline = realClock.now() + this.#config.drainTimeout
    life.handle('stop')
    nodeWait.stop()
    modeSwitch.stop()
    if (dataPlane !== undefined && failover === undefined) await this.#serveToTheEnd(dataPlane, deadline, forceStop)
    stopSource.abort()
    const lastWrite = this.#stopSync()
    if (failover !== undefined) {
      await lastWrite
      if (await Promise.race([failover.takeOver(), aborted(forceStop)])) life.handle('kernel serves')
      else if (dataPlane !== undefined) await this.#serveToTheEnd(dataPlane, deadline, forceStop)
    }
    life.handle('time is over')
    // The drain begins while the last write may still run: a write that hangs must not let new connections in.
    const limits = { clock: realClock, deadline, forceStop }
    if (dataPlane !== undefined) await drainDataPlane(dataPlane, limits, this.#log)
    life.handle('drained')
    await lastWrite
    if (this.#config.onExit === 'cleanup') await cleanupOnExit(this.#log)
    await Promise.all(servers.map(server => server.close()))
  }

  /** Serves new clients as long as open connections may continue: what comes after this process may start only when it has ended. */
  async #serveToTheEnd(dataPlane: DataPlane, deadline: number, forceStop: AbortSignal): Promise<void> {
    this.#log.info(0, 'Nothing else serves: accepting new connections until the open ones have ended', {
      seconds: this.#config.drainTimeout / 1000,
    })
    await serveUntilIdle(dataPlane, { clock: realClock, deadline: deadline - LAST_CLIENTS_MS, forceStop })
  }

  /** Ends the sync loop. Resolves when the last write of rules has ended or takes too long. */
  #stopSync(): Promise<void> {
    this.#parts.ruleMonitor?.stop()
    const stopped = this.#parts.syncLoop.stop()
    this.#parts.proxier.stop?.()
    return withTimeout(stopped, { clock: realClock, ms: LAST_WRITE_TIMEOUT_MS, onTimeout: () => undefined })
  }
}

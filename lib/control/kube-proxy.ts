import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { undoOnFailure } from '../primitives/undo-on-failure.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { applyOomScore } from '../system/oom-score.js'
import { realClock } from '../system/real-clock.js'
import { type Parts, buildParts } from './build-parts.js'
import { cleanupOnExit } from './cleanup.js'
import { drainDataPlane } from './drain-data-plane.js'
import { VERSION } from './version.js'

/** How long a shutdown waits for a write of rules that has begun. The kernel applies such a write as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000

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

  /**
   * Serves until `stop` is aborted, then drains: it refuses new connections and lets open ones continue until the drain timeout,
   * or until `forceStop` is aborted. `--on-exit` decides what happens to the rules.
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    const { cluster, store, fatal } = this.#parts
    const stopEvents = new AbortController()
    const eventsWritten = cluster.events.run(stopEvents.signal)
    try {
      await cluster.source.run(store, AbortSignal.any([stop, fatal.signal]))
      if (!stop.aborted) throw fatal.signal.reason
    } finally {
      stopEvents.abort()
      await this.#shutDown(forceStop)
      await eventsWritten
    }
  }

  async #shutDown(forceStop: AbortSignal): Promise<void> {
    const { nodeWait, modeSwitch, syncLoop, proxier, failover, dataPlane, servers } = this.#parts
    nodeWait.stop()
    modeSwitch.stop()
    // The drain begins while the last write may still run: a write that hangs must not let new connections in.
    const stopped = syncLoop.stop()
    proxier.stop?.()
    const lastWrite = withTimeout(stopped, { clock: realClock, ms: LAST_WRITE_TIMEOUT_MS, onTimeout: () => undefined })
    if (failover !== undefined) await lastWrite.then(() => failover.takeOver())
    if (dataPlane !== undefined) await drainDataPlane(dataPlane, this.#config.drainTimeout, forceStop, this.#log)
    await lastWrite
    if (this.#config.onExit === 'cleanup') await cleanupOnExit(this.#log)
    await Promise.all(servers.map(server => server.close()))
  }
}

import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { type Parts, buildParts } from './build-parts.js'
import { cleanupOnExit } from './cleanup.js'
import { drainDataPlane } from './drain-data-plane.js'
import { VERSION } from './version.js'

/** How long the end waits for a write of rules that is under way; what it does, it does as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000

/** One running kube-proxy: `buildParts` makes its parts; this starts and ends them. */
export class KubeProxy {
  readonly #config: KubeProxyConfig
  readonly #log: Log
  readonly #parts: Parts

  /**
   * Builds the parts and reads what an earlier process left in the kernel. No rule is written yet.
   * @param modes every mode there is; left out: those of the registry
   * @throws ProxyFailure when a part can never work here: no iptables, no permission, no usable kubeconfig
   */
  static async create(config: KubeProxyConfig, log: Log, modes?: readonly Mode[]): Promise<KubeProxy> {
    log.info(0, 'Starting', {
      version: VERSION,
      node: process.version,
      mode: config.modes.join(','),
      nodeName: config.nodeName,
    })
    const parts = await buildParts(config, log, modes)
    parts.nodeEvents.record('Normal', 'Starting', '')
    const { failed } = applyConntrackSettings(config.conntrack, log)
    if (failed.some(({ file }) => file === HASHSIZE_FILE))
      parts.nodeEvents.record(
        'Warning',
        'readOnlySysFS',
        'cannot set the size of the conntrack table: the kernel keeps its own',
      )
    await parts.proxier.start()
    return new KubeProxy(config, log, parts)
  }

  private constructor(config: KubeProxyConfig, log: Log, parts: Parts) {
    this.#config = config
    this.#log = log
    this.#parts = parts
  }

  /**
   * Serves until `stop` is aborted, then drains: new connections are refused, open ones may go on until the drain
   * time-out, or until `forceStop` is aborted. `--on-exit` says what happens to the rules.
   * @throws ProxyFailure when the source can never work, or the Node of this machine was deleted
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
    // Not one after the other: a write of rules that hangs must not keep connections coming.
    const stopped = syncLoop.stop()
    proxier.stop?.()
    const lastWrite = Promise.race([stopped, new Promise(resolve => setTimeout(resolve, LAST_WRITE_TIMEOUT_MS))])
    if (failover !== undefined) await lastWrite.then(() => failover.takeOver())
    if (dataPlane !== undefined) await drainDataPlane(dataPlane, this.#config.drainTimeout, forceStop, this.#log)
    await lastWrite
    if (this.#config.onExit === 'cleanup') await cleanupOnExit(this.#log)
    await Promise.all(servers.map(server => server.close()))
  }
}

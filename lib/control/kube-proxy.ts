import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { applyOomScore } from '../system/oom-score.js'
import { aborted } from './drain-data-plane.js'
import { Generation } from './generation.js'
import { VERSION } from './version.js'

/** One running kube-proxy: one generation, and another one each time that a proxy which had taken over ends before this one. */
export class KubeProxy {
  readonly #create: (config: KubeProxyConfig) => Promise<Generation>
  #config: KubeProxyConfig
  #generation: Generation
  readonly #log: Log

  /**
   * Creates the first generation; see there.
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
    const create = (current: KubeProxyConfig) => Generation.create(current, log, modes)
    return new KubeProxy(await create(config), create, config, log)
  }

  private constructor(
    first: Generation,
    create: (config: KubeProxyConfig) => Promise<Generation>,
    config: KubeProxyConfig,
    log: Log,
  ) {
    this.#generation = first
    this.#create = create
    this.#config = config
    this.#log = log
  }

  /** Whether data-plane workers watch this process, and end it when it no longer turns. */
  get isWatchedByWorkers(): boolean {
    return this.#generation.isWatchedByWorkers
  }

  /** Uses a configuration that differs in what a running proxy can change. The next generation uses it too. */
  async reconfigure(config: KubeProxyConfig): Promise<void> {
    this.#config = config
    await this.#generation.reconfigure(config)
  }

  /** Ends the proxy because of a failure: `run` throws it after the drain. */
  end(failure: ProxyFailure): void {
    this.#generation.end(failure)
  }

  /**
   * Serves until `stop` is aborted, and ends as `Generation` does. While another proxy has taken over, open connections continue
   * here; when it ends, this one serves again.
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    const drains: Promise<void>[] = []
    while (!(await this.#generation.run(stop, forceStop))) {
      const previous = this.#generation
      const { successor } = previous
      const isServed = new AbortController()
      drains.push(aborted(isServed.signal).then(() => previous.drain(stop, forceStop)))
      // Otherwise the rules still lead to the listeners of this generation, until those of the next one are in the kernel.
      if (successor.serves.aborted) isServed.abort()
      await Promise.race([aborted(successor.gone), aborted(stop)])
      previous.close()
      if (stop.aborted) {
        isServed.abort()
        break
      }
      this.#log.info(0, 'The kube-proxy that took over has ended: serving again')
      this.#generation = await this.#create(this.#config)
      void aborted(this.#generation.programmed).then(() => isServed.abort())
      void aborted(stop).then(() => isServed.abort())
    }
    await Promise.all(drains)
  }
}

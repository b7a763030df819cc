import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { applyOomScore } from '../system/oom-score.js'
import { realClock } from '../system/real-clock.js'
import { LAST_CLIENTS_MS, aborted } from './drain-data-plane.js'
import { Generation } from './generation.js'
import { HAND_OVER_ADDRESS } from './hand-over-server.js'
import { Predecessors } from './predecessors.js'
import { standBehind } from './stand-behind.js'
import { VERSION } from './version.js'

/** One running kube-proxy: one generation, and another one each time that a proxy which had taken over ends before this one. */
export class KubeProxy {
  readonly #create: (config: KubeProxyConfig) => Promise<Generation>
  #config: KubeProxyConfig
  #generation: Generation
  readonly #predecessors: Predecessors
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
    const predecessors = new Predecessors()
    const create = (current: KubeProxyConfig) => Generation.create(current, log, predecessors, modes)
    return new KubeProxy(await create(config), create, config, predecessors, log)
  }

  private constructor(
    first: Generation,
    create: (config: KubeProxyConfig) => Promise<Generation>,
    config: KubeProxyConfig,
    predecessors: Predecessors,
    log: Log,
  ) {
    this.#generation = first
    this.#create = create
    this.#config = config
    this.#predecessors = predecessors
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
   * here; when no other one serves any more, this one serves again.
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    /** Of each generation that has given way: aborted when its listeners have no new clients any more. */
    const served: AbortController[] = []
    const drains: Promise<void>[] = []
    while (!(await this.#generation.run(stop, forceStop))) {
      const generation = this.#generation
      served.push(new AbortController())
      drains.push(this.#drainWhenServed(generation, served.at(-1)!.signal, stop, forceStop))
      const onServed = abortAll([...served])
      void aborted(generation.successor.serves).then(onServed)
      await Promise.race([aborted(generation.successor.gone), aborted(stop)])
      // A third copy may serve now. The one that ends has released this one, or was killed.
      await standBehind(HAND_OVER_ADDRESS, onServed, stop)
      if (stop.aborted) break
      await generation.close()
      this.#log.info(0, 'The kube-proxy that took over has ended: serving again')
      this.#generation = await this.#create(this.#config)
      void aborted(this.#generation.programmed).then(onServed)
    }
    this.#predecessors.release()
    await Promise.all(drains)
    // Not earlier: until it has ended, a successor says when it serves.
    await this.#generation.close()
  }

  /** Lets a generation that has given way serve new clients until something else does, or for as long as it may after a stop. */
  async #drainWhenServed(
    generation: Generation,
    served: AbortSignal,
    stop: AbortSignal,
    forceStop: AbortSignal,
  ): Promise<void> {
    const lastClients = afterStop(stop, () => this.#config.drainTimeout - LAST_CLIENTS_MS)
    const timeIsOver = afterStop(stop, () => this.#config.drainTimeout)
    await Promise.race([aborted(served), aborted(lastClients), aborted(forceStop)])
    await generation.drain({ timeIsOver, forceStop })
  }
}

/** A signal that is aborted some time after another one. */
function afterStop(stop: AbortSignal, ms: () => number): AbortSignal {
  const isOver = new AbortController()
  void aborted(stop).then(() => realClock.after(Math.max(0, ms()), () => isOver.abort(), { keepsAlive: false }))
  return isOver.signal
}

function abortAll(controllers: readonly AbortController[]): () => void {
  return () => {
    for (const controller of controllers) controller.abort()
  }
}

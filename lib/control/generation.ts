import { availableParallelism } from 'node:os'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { aborted } from '../primitives/aborted.js'
import { undoOnFailure } from '../primitives/undo-on-failure.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { realClock } from '../system/real-clock.js'
import { type Parts, buildParts } from './build-parts.js'
import { workerCount } from './choose-data-plane.js'
import { type StandbyLimits, drainInStandby } from './drain-data-plane.js'
import { GenerationEnd } from './generation-end.js'
import { type Predecessors } from './predecessors.js'
import { type Shutdown } from './shutdown.js'
import { Successor } from './successor.js'

/** What ends a generation. */
export interface RunSignals {
  /** Aborted when it has to end in order. */
  readonly stop: AbortSignal
  /** Aborted when a failure may end it. One that happens before is held until then. */
  readonly mayFail: AbortSignal
}

/**
 * One generation of a proxy: its parts from the start until it has ended, or has given way to another proxy. `LifeCycle` has the
 * states; this class does what they demand.
 */
export class Generation {
  /** The proxy that takes over, if one does. */
  readonly successor: Successor
  #config: KubeProxyConfig
  readonly #log: Log
  readonly #parts: Parts
  readonly #predecessors: Predecessors
  readonly #end: GenerationEnd

  /**
   * Builds the parts and reads the rules that an earlier process left in the kernel. It writes no rule yet. If it fails, it ends
   * what it has started: workers, ports, timers.
   * @param predecessors the proxies that have given way to this process
   * @param modes all modes that `--proxy-mode` may name; left out: those of the registry
   * @param isAgain whether an earlier generation of this process has given way
   * @throws ProxyFailure if a part can never work here: no iptables, no permission, no usable kubeconfig
   */
  static async create(
    config: KubeProxyConfig,
    log: Log,
    predecessors: Predecessors,
    modes: readonly Mode[] | undefined,
    isAgain: boolean,
  ): Promise<Generation> {
    return undoOnFailure(async onFailure => {
      const successor = new Successor(realClock)
      const parts = await buildParts({ config, log, modes, predecessors, successor, isAgain, onFailure })
      parts.nodeEvents.record('Normal', 'Starting', '')
      const { failed } = applyConntrackSettings(config.conntrack, log)
      if (failed.some(({ file }) => file === HASHSIZE_FILE))
        parts.nodeEvents.record(
          'Warning',
          'readOnlySysFS',
          'cannot set the size of the conntrack table: the kernel keeps its own size',
        )
      await parts.proxier.start()
      return new Generation(config, log, parts, predecessors, successor)
    })
  }

  private constructor(
    config: KubeProxyConfig,
    log: Log,
    parts: Parts,
    predecessors: Predecessors,
    successor: Successor,
  ) {
    this.#config = config
    this.#log = log
    this.#parts = parts
    this.#predecessors = predecessors
    this.successor = successor
    this.#end = new GenerationEnd({ parts, successor, config: () => this.#config, log })
    successor.giveWay = () => this.#end.giveWay()
    void aborted(successor.serves).then(() => this.#standBy())
    void aborted(successor.answers).then(() => this.#releasePorts())
  }

  /** Whether data-plane workers watch this process, and end it when it no longer turns. */
  get isWatchedByWorkers(): boolean {
    const { dataPlane } = this.#parts
    return dataPlane !== undefined && workerCount(this.#config.dataPlaneWorkers, availableParallelism()) > 0
  }

  /** Aborted when the rules of this generation are in the kernel. */
  get programmed(): AbortSignal {
    return this.#parts.programmed.signal
  }

  /**
   * Serves until a successor asks it to give way, or until `stop` is aborted. Then it ends: new clients are served until the kernel
   * serves them, where it can, and open connections may continue until the deadline of the shutdown, or a second signal.
   * @returns whether it has ended; if not, it still serves, and the caller ends that with `drain` once a successor serves
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run({ stop, mayFail }: RunSignals, shutdown: Shutdown): Promise<boolean> {
    const { cluster, store, fatal, life, handOver } = this.#parts
    const { asks } = this.successor
    const failed = new AbortController()
    void aborted(fatal.signal).then(async () => {
      const failure = fatal.signal.reason as ProxyFailure
      // One that is late gives the service back: it must not be held until it serves.
      if (failure.code !== 'TAKE_OVER_FAILED') await aborted(mayFail)
      failed.abort(failure)
    })
    const stopEvents = new AbortController()
    const eventsWritten = cluster.events.run(stopEvents.signal)
    // The end does not wait for the source: a read that hangs must not keep this process alive.
    const sourceEnded = cluster.source.run(store, AbortSignal.any([this.#end.stopSource, failed.signal]))
    sourceEnded.catch(() => undefined)
    try {
      await Promise.race([sourceEnded, aborted(stop), aborted(asks)])
      if (!stop.aborted && !asks.aborted) throw failed.signal.reason
    } finally {
      stopEvents.abort()
      if (!asks.aborted) {
        shutdown.begin()
        await this.#end.leave(shutdown)
        await this.#closeServers()
        handOver.close()
      }
      await eventsWritten
    }
    return life.state === 'ended'
  }

  /** Whether it carries connections, which may be open. */
  get carriesConnections(): boolean {
    return this.#parts.dataPlane !== undefined
  }

  /** Ends a generation that has given way: refuses new connections, and lets the open ones end until `limits` say otherwise. */
  async drain(limits: StandbyLimits): Promise<void> {
    const { life, dataPlane } = this.#parts
    if (dataPlane !== undefined) await drainInStandby(dataPlane, limits, this.#log)
    if (limits.timeIsOver.aborted || limits.forceStop.aborted) life.handle('stop')
    life.handle('drained')
  }

  /** Waits while another proxy serves; see `standBehind`. */
  standBehind(onServing: (isServing: boolean) => void, stop: AbortSignal): Promise<void> {
    return this.#parts.handOver.standBehind(onServing, stop)
  }

  /** Uses a configuration that differs only in options that are `isLive` in their table. */
  async reconfigure(config: KubeProxyConfig): Promise<void> {
    const { node, sourceHealth, dataPlane, httpServers, syncLoop } = this.#parts
    this.#config = config
    node.reconfigure(config)
    sourceHealth.timeoutMs = config.healthzStaleTimeout
    dataPlane?.changeSettings?.(config)
    applyConntrackSettings(config.conntrack, this.#log)
    // A sync may come while the ports move.
    syncLoop.changeScope({ rangesAtNodePorts: config.rangesAtNodePorts })
    await httpServers.reconfigure(config)
    syncLoop.requestSync()
  }

  /** Ends this generation as a failure of its source does: `run` throws after the drain, once a failure may end it. */
  end(failure: ProxyFailure): void {
    this.#parts.fatal.abort(failure)
  }

  /** Ends a generation that was created too late to run. */
  async discard(): Promise<void> {
    await this.#end.giveWay()
    await this.close()
    await this.#parts.dataPlane?.drain(0)
  }

  /** Frees what only one generation can have, and no longer notices when a successor ends. */
  async close(): Promise<void> {
    const { life, handOver } = this.#parts
    life.handle('successor gone')
    handOver.close()
    await this.#closeServers()
  }

  /** A successor serves. Those that gave way to this one are served by it, too. */
  async #standBy(): Promise<void> {
    this.#parts.life.handle('successor serves')
    await this.#predecessors.announceServing()
  }

  /** A successor answers for the proxy of this node from now on. Those that gave way to this one may have the ports. */
  async #releasePorts(): Promise<void> {
    await Promise.all([this.#predecessors.whenReleased(), this.#closeServers()])
    this.successor.announceRelease()
  }

  async #closeServers(): Promise<void> {
    await Promise.all(this.#parts.servers.map(server => server.close()))
  }
}

import { availableParallelism } from 'node:os'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { aborted } from '../primitives/aborted.js'
import { undoOnFailure } from '../primitives/undo-on-failure.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { HASHSIZE_FILE, applyConntrackSettings } from '../system/conntrack-settings.js'
import { realClock } from '../system/real-clock.js'
import { type Parts, buildParts } from './build-parts.js'
import { workerCount } from './choose-data-plane.js'
import { cleanupOnExit } from './cleanup.js'
import {
  LAST_CLIENTS_MS,
  type StandbyLimits,
  drainDataPlane,
  drainInStandby,
  serveUntilIdle,
} from './drain-data-plane.js'
import { type Predecessors } from './predecessors.js'
import { type Shutdown } from './shutdown.js'
import { Successor } from './successor.js'

/** How long a shutdown waits for a write of rules that has begun. The kernel applies such a write as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000
/** The same before this proxy gives way: what ends later would replace or remove rules of the successor. */
const LAST_WRITE_BEFORE_SUCCESSOR_MS = 8000
/** How long giving way may take. The successor waits for 10 s. */
const GIVE_WAY_TIMEOUT_MS = 9000

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
  readonly #stopSource = new AbortController()
  /** Resolves when the kernel has taken over, or could not. */
  #takingOver: Promise<boolean> = Promise.resolve(false)
  /** Resolves when the cleanup at the end has stopped. */
  #cleaningUp: Promise<void> = Promise.resolve()

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
    successor.giveWay = () => this.#giveWay()
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
  async run(stop: AbortSignal, shutdown: Shutdown): Promise<boolean> {
    const { cluster, store, fatal, life } = this.#parts
    const { asks } = this.successor
    const stopEvents = new AbortController()
    const eventsWritten = cluster.events.run(stopEvents.signal)
    // The end does not wait for the source: a read that hangs must not keep this process alive.
    const sourceEnded = cluster.source.run(store, AbortSignal.any([this.#stopSource.signal, fatal.signal]))
    sourceEnded.catch(() => undefined)
    try {
      await Promise.race([sourceEnded, aborted(stop), aborted(asks)])
      if (!stop.aborted && !asks.aborted) throw fatal.signal.reason
    } finally {
      stopEvents.abort()
      if (!asks.aborted) {
        shutdown.begin()
        await this.#leave(shutdown)
      }
      await eventsWritten
    }
    return life.state === 'ended'
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
    dataPlane?.setVerbosity?.(config.verbosity)
    applyConntrackSettings(config.conntrack, this.#log)
    await httpServers.reconfigure(config)
    syncLoop.requestSync()
  }

  /** Ends this generation as a failure of its source does: `run` throws after the drain. */
  end(failure: ProxyFailure): void {
    this.#parts.fatal.abort(failure)
  }

  /** Ends a generation that was created too late to run. */
  async discard(): Promise<void> {
    await this.#giveWay()
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

  /** Stops what keeps a successor from serving. Listeners still serve the clients that the rules lead to them. */
  async #giveWay(): Promise<void> {
    const { life, nodeWait, modeSwitch, proxier, failover, dataPlane } = this.#parts
    const deadline = realClock.now() + GIVE_WAY_TIMEOUT_MS
    life.handle('successor asks')
    nodeWait.stop()
    this.#stopSource.abort()
    dataPlane?.endWaits?.()
    const cleaningUp = this.#cleaningUp.catch(() => undefined)
    const lastWrites = Promise.all([this.#stopSync(), modeSwitch.stop(), this.#takingOver, cleaningUp])
    await withTimeout<unknown>(lastWrites, {
      clock: realClock,
      ms: LAST_WRITE_BEFORE_SUCCESSOR_MS,
      onTimeout: () => this.#log.warn('Giving way while a write to the kernel has not ended'),
    })
    failover?.disarm()
    await withTimeout<unknown>(Promise.resolve(proxier.releaseNodePorts?.()), {
      clock: realClock,
      ms: deadline - realClock.now(),
      onTimeout: () => this.#log.warn('Giving way while node ports are not released'),
    })
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

  /** While this proxy still serves, it follows the cluster. */
  async #leave(shutdown: Shutdown): Promise<void> {
    const { life, nodeWait, modeSwitch, handOver, failover, dataPlane } = this.#parts
    const { deadline, forceStop, isOver } = shutdown
    life.handle('stop')
    // A successor that asks from now on answers probes at once.
    void aborted(this.successor.asks).then(this.successor.letAnswer)
    nodeWait.stop()
    void modeSwitch.stop()
    handOver.release()
    // A proxy that never served has no clients.
    const isServing = life.state === 'leaving'
    if (dataPlane !== undefined && failover === undefined && isServing) await this.#serveToTheEnd(dataPlane, shutdown)
    this.#stopSource.abort()
    const limit = { clock: realClock, ms: LAST_WRITE_TIMEOUT_MS, onTimeout: () => undefined }
    const lastWrite = withTimeout(this.#stopSync(), limit)
    if (failover !== undefined && life.duties.ownsRules) {
      this.#takingOver = lastWrite.then(() => failover.takeOver())
      if (await Promise.race([this.#takingOver, aborted(isOver)])) life.handle('kernel serves')
      else if (dataPlane !== undefined) await this.#serveToTheEnd(dataPlane, shutdown)
    }
    life.handle('time is over')
    // The drain begins while the last write may still run: a write that hangs must not let new connections in.
    const limits = { clock: realClock, deadline, forceStop }
    if (dataPlane !== undefined) await drainDataPlane(dataPlane, limits, this.#log)
    await lastWrite
    if (this.#config.onExit === 'cleanup') await this.#cleanUp(forceStop)
    life.handle('drained')
    await this.#closeServers()
    handOver.close()
  }

  /** Removes all rules, unless another proxy writes them now. A second signal ends it. */
  async #cleanUp(forceStop: AbortSignal): Promise<void> {
    const { life } = this.#parts
    if (life.duties.ownsRules) {
      this.#cleaningUp = cleanupOnExit(this.#log, () => life.duties.ownsRules && !forceStop.aborted)
      await Promise.race([this.#cleaningUp, aborted(forceStop)])
    } else if (this.successor.isLost) {
      this.#log.warn('Not cleaning up: the kube-proxy that took over was lost, and may have left rules', {
        hint: 'Run kube-proxy --cleanup if no other kube-proxy serves this node',
      })
    }
  }

  /** Serves new clients as long as open connections may continue: what comes after this process may start only when it has ended. */
  async #serveToTheEnd(dataPlane: DataPlane, { deadline, lastClients, forceStop }: Shutdown): Promise<void> {
    const { asks, serves, gone } = this.successor
    this.#log.info(0, 'Nothing else serves: accepting new connections until the open ones have ended', {
      seconds: this.#config.drainTimeout / 1000,
    })
    const served = serveUntilIdle(dataPlane, { clock: realClock, deadline: deadline - LAST_CLIENTS_MS, forceStop })
    await Promise.race([served, aborted(serves)])
    // The successor needs this proxy until its own rules are in the kernel. It may never write them.
    if (asks.aborted) await Promise.race([aborted(serves), aborted(gone), aborted(lastClients)])
  }

  /** Ends the sync loop. Resolves when the last write of rules has ended. */
  #stopSync(): Promise<void> {
    this.#parts.ruleMonitor?.stop()
    const stopped = this.#parts.syncLoop.stop()
    this.#parts.proxier.stop?.()
    return stopped
  }
}

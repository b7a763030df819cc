import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type DataPlane } from '../dataplane/data-plane.js'
import { type Failover } from '../failover/kernel-failover.js'
import { type Log } from '../model/log.js'
import { aborted } from '../primitives/aborted.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { realClock } from '../system/real-clock.js'
import { type Parts } from './build-parts.js'
import { cleanupOnExit } from './cleanup.js'
import { LAST_CLIENTS_MS, drainDataPlane, serveUntilIdle } from './drain-data-plane.js'
import { type Shutdown } from './shutdown.js'
import { type Successor } from './successor.js'

/** How long a shutdown waits for a write of rules that has begun. The kernel applies such a write as a whole or not at all. */
const LAST_WRITE_TIMEOUT_MS = 1000
/** The same before this proxy gives way: what ends later would replace or remove rules of the successor. */
const LAST_WRITE_BEFORE_SUCCESSOR_MS = 8000
/** How long the checks may take whether the kernel can take over, in milliseconds: the process has little time to end. */
const PREPARE_TIMEOUT_MS = 15_000
/**
 * How long a shutdown waits at least until the kernel has taken over, in milliseconds. The time of open connections does not bound this:
 * after a short one, the rules would lead to closed ports.
 */
const TAKE_OVER_TIMEOUT_MS = 15_000
/** When the log says that it still waits for that, in milliseconds. */
const TAKE_OVER_NOTICE_MS = 5000
/** How long giving way may take. The successor waits for 10 s. */
const GIVE_WAY_TIMEOUT_MS = 9000

/** What ends, and for whom. */
export interface GenerationEndOptions {
  readonly parts: Parts
  readonly successor: Successor
  /** The configuration at the time of the call. */
  readonly config: () => KubeProxyConfig
  readonly log: Log
}

/**
 * The end of a generation, because a successor asks or because the process has to end. Both can happen, in any order: then a successor
 * waits for what the process does last.
 */
export class GenerationEnd {
  readonly #options: GenerationEndOptions
  readonly #stopSource = new AbortController()
  /** What this process does to the kernel after its last write of rules: the kernel takes over, or a cleanup. */
  #lastWork: Promise<unknown> = Promise.resolve()
  /** Aborted when this process may write no rules any more, whatever it does last. */
  readonly #abandonSource = new AbortController()

  constructor(options: GenerationEndOptions) {
    this.#options = options
  }

  /** Aborted when this generation follows the cluster no longer. */
  get stopSource(): AbortSignal {
    return this.#stopSource.signal
  }

  /** Stops what keeps a successor from serving. Listeners still serve the clients that the rules lead to them. */
  async giveWay(): Promise<void> {
    const { parts, log } = this.#options
    const { life, nodeWait, modeSwitch, proxier, failover, dataPlane } = parts
    const deadline = realClock.now() + GIVE_WAY_TIMEOUT_MS
    life.handle('successor asks')
    nodeWait.stop()
    this.#stopSource.abort()
    dataPlane?.endWaits?.()
    // What writes last begins nothing more: the successor writes all rules.
    this.#abandonSource.abort()
    const lastWrites = Promise.all([this.#stopSync(), modeSwitch.stop(), this.#lastWork.catch(() => undefined)])
    await withTimeout<unknown>(lastWrites, {
      clock: realClock,
      ms: LAST_WRITE_BEFORE_SUCCESSOR_MS,
      onTimeout: () => log.warn('Giving way while a write to the kernel has not ended'),
    })
    failover?.disarm()
    await withTimeout<unknown>(Promise.resolve(proxier.releaseNodePorts?.()), {
      clock: realClock,
      ms: deadline - realClock.now(),
      onTimeout: () => log.warn('Giving way while node ports are not released'),
    })
  }

  /** Ends in the time of a shutdown. While this proxy still serves, it follows the cluster. */
  async leave(shutdown: Shutdown): Promise<void> {
    const { parts, successor, config, log } = this.#options
    const { life, nodeWait, modeSwitch, handOver, failover, dataPlane } = parts
    const { deadline, forceStop } = shutdown
    life.handle('stop')
    // A successor that asks from now on answers probes at once.
    void aborted(successor.asks).then(successor.letAnswer)
    nodeWait.stop()
    void modeSwitch.stop()
    handOver.release()
    // A proxy that never served has no clients.
    const isServing = life.state === 'leaving'
    const kernelCanServe = life.duties.ownsRules && (await this.#prepareKernel(forceStop))
    if (dataPlane !== undefined && !kernelCanServe && isServing) await this.#serveToTheEnd(dataPlane, shutdown)
    this.#stopSource.abort()
    const written = this.#stopSync()
    const limit = { clock: realClock, ms: LAST_WRITE_TIMEOUT_MS, onTimeout: () => undefined }
    const lastWrite = withTimeout(written, limit)
    if (failover !== undefined && kernelCanServe && life.duties.ownsRules)
      await this.#letKernelServe(failover, written, shutdown)
    life.handle('time is over')
    // The drain begins while the last write may still run: a write that hangs must not let new connections in.
    const limits = { clock: realClock, deadline, forceStop }
    if (dataPlane !== undefined) await drainDataPlane(dataPlane, limits, log)
    await lastWrite
    if (config().onExit === 'cleanup') await this.#cleanUp(forceStop)
    // The next proxy writes rules from now on.
    this.#abandonSource.abort()
    failover?.disarm()
    life.handle('drained')
  }

  /** Whether the kernel can take over. Meanwhile this proxy serves and follows the cluster, as if nothing had to end. */
  async #prepareKernel(forceStop: AbortSignal): Promise<boolean> {
    const { parts, log } = this.#options
    if (parts.failover === undefined) return false
    const preparing = parts.failover.prepare()
    this.#lastWork = preparing
    return withTimeout(Promise.race([preparing, aborted(forceStop).then(() => false)]), {
      clock: realClock,
      ms: PREPARE_TIMEOUT_MS,
      onTimeout: () => {
        const seconds = PREPARE_TIMEOUT_MS / 1000
        log.warn('The checks whether the kernel can take over have not ended in time: it does not take over', {
          seconds,
        })
        return false
      },
    })
  }

  /**
   * Lets the kernel serve once the last write of this proxy has ended. Until then, and if it does not in time, sockets serve new clients.
   */
  async #letKernelServe(failover: Failover, lastWrite: Promise<void>, shutdown: Shutdown): Promise<void> {
    const { parts, log } = this.#options
    const { life, dataPlane } = parts
    const { deadline, forceStop } = shutdown
    const takingOver = lastWrite.then(() => failover.takeOver(this.#abandonSource.signal))
    this.#lastWork = takingOver
    const cancelNotice = realClock.after(TAKE_OVER_NOTICE_MS, () =>
      log.warn('The kernel has not taken over yet; new clients are served here until it does', {
        seconds: TAKE_OVER_NOTICE_MS / 1000,
      }),
    )
    const isServing = await withTimeout(Promise.race([takingOver, aborted(forceStop).then(() => false)]), {
      clock: realClock,
      ms: Math.max(TAKE_OVER_TIMEOUT_MS, deadline - LAST_CLIENTS_MS - realClock.now()),
      onTimeout: () => {
        log.warn('The kernel has not taken over in time; new clients are refused from now on')
        return false
      },
    })
    cancelNotice()
    if (isServing) life.handle('kernel serves')
    else if (dataPlane !== undefined) await this.#serveToTheEnd(dataPlane, shutdown)
  }

  /** Removes all rules, unless another proxy writes them now. A second signal ends it. */
  async #cleanUp(forceStop: AbortSignal): Promise<void> {
    const { parts, successor, log } = this.#options
    const { life } = parts
    if (life.duties.ownsRules) {
      const cleaningUp = cleanupOnExit(log, () => life.duties.ownsRules && !forceStop.aborted)
      this.#lastWork = cleaningUp
      await Promise.race([cleaningUp, aborted(forceStop)])
    } else if (successor.isLost) {
      log.warn('Not cleaning up: the kube-proxy that took over was lost, and may have left rules', {
        hint: 'Run kube-proxy --cleanup if no other kube-proxy serves this node',
      })
    }
  }

  /** Serves new clients as long as open connections may continue: what comes after this process may start only when it has ended. */
  async #serveToTheEnd(dataPlane: DataPlane, { deadline, lastClients, forceStop }: Shutdown): Promise<void> {
    const { successor, config, log } = this.#options
    const { asks, serves, gone } = successor
    log.info(0, 'Nothing else serves: accepting new connections until the open ones have ended', {
      seconds: config().drainTimeout / 1000,
    })
    const served = serveUntilIdle(dataPlane, { clock: realClock, deadline: deadline - LAST_CLIENTS_MS, forceStop })
    await Promise.race([served, aborted(serves)])
    // The successor needs this proxy until its own rules are in the kernel. It may never write them.
    if (asks.aborted) await Promise.race([aborted(serves), aborted(gone), aborted(lastClients)])
  }

  /** Ends the sync loop. Resolves when the last write to the kernel has ended. */
  async #stopSync(): Promise<void> {
    const { ruleMonitor, syncLoop, proxier } = this.#options.parts
    ruleMonitor?.stop()
    await Promise.all([syncLoop.stop(), proxier.stop?.()])
  }
}

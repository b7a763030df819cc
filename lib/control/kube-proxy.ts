import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type ProxyFailure, isLasting } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'
import { applyOomScore } from '../system/oom-score.js'
import { realClock } from '../system/real-clock.js'
import { aborted } from '../primitives/aborted.js'
import { pause } from '../primitives/pause.js'
import { DrainingGenerations } from './draining-generations.js'
import { Generation, type RunSignals } from './generation.js'
import { Predecessors } from './predecessors.js'
import { Shutdown } from './shutdown.js'
import { standbyStep } from './standby-step.js'
import { VERSION } from './version.js'

/** Pause after a generation that could not start, in milliseconds: it doubles up to the maximum. */
const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 8000
/** If no proxy serves for this time, in milliseconds, this process ends: another one may have what this one lacks. */
const SERVE_AGAIN_TIMEOUT_MS = 60_000

/** Makes a generation; see `Generation.create`. */
type Create = (config: KubeProxyConfig, isAgain: boolean) => Promise<Generation>

/** One running kube-proxy: one generation, and another one each time that a proxy which had taken over ends before this one. */
export class KubeProxy {
  readonly #create: Create
  #config: KubeProxyConfig
  #generation: Generation
  readonly #predecessors: Predecessors
  readonly #log: Log
  /** Whether the generation has given way, and there is no other one yet. */
  #isStandingBy = false
  /** Since when no proxy serves because this one cannot start to serve again. */
  #failingSince: number | undefined
  /** Why this proxy has to end, at once or when it serves again. */
  #failure: ProxyFailure | undefined
  /** What ends a generation that serves again. The first one ends at once. */
  #signalsAgain: RunSignals | undefined

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
    const predecessors = new Predecessors(realClock)
    const create: Create = (current, isAgain) => Generation.create(current, log, predecessors, modes, isAgain)
    return new KubeProxy(await create(config, false), create, config, predecessors, log)
  }

  private constructor(
    first: Generation,
    create: Create,
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

  /** Uses a configuration that differs in what a running proxy can change. In standby, the next generation uses it. */
  async reconfigure(config: KubeProxyConfig): Promise<void> {
    this.#config = config
    if (!this.#isStandingBy) await this.#generation.reconfigure(config)
  }

  /**
   * Ends the proxy because of a failure: `run` throws it after the drain. In standby it waits until this proxy serves again: its
   * supervisor would start it again at once, and it would take over from its successor.
   */
  end(failure: ProxyFailure): void {
    // Remembered in any case: another proxy may just have asked this one to give way.
    this.#failure = failure
    if (this.#isStandingBy || this.#signalsAgain?.mayFail.aborted === false) this.#logHeldFailure()
    if (!this.#isStandingBy) this.#generation.end(failure)
  }

  /**
   * Serves until `stop` is aborted, and ends as `Generation` does. While another proxy has taken over, open connections continue
   * here; when no other one serves any more, this one serves again.
   * @throws ProxyFailure if the source can never work, or if the Node of this machine was deleted
   */
  async run(stop: AbortSignal, forceStop: AbortSignal): Promise<void> {
    const drainTimeout = (): number => this.#config.drainTimeout
    const shutdown = new Shutdown({ stop, forceStop, drainTimeout, clock: realClock })
    const draining = new DrainingGenerations(shutdown, this.#log)
    const atOnce: RunSignals = { stop, mayFail: AbortSignal.abort() }
    try {
      while (!(await this.#generation.run(this.#signalsAgain ?? atOnce, shutdown))) {
        this.#isStandingBy = true
        this.#logHeldFailure()
        draining.add(this.#generation)
        const next = await this.#standByAndServeAgain(draining, shutdown)
        if (next === undefined) break
        void aborted(next.programmed).then(draining.announceServed)
      }
    } finally {
      shutdown.begin()
      this.#predecessors.release()
      await draining.whenIdle()
      // Not earlier: until it has ended, a successor says when it serves.
      await this.#generation.close()
      shutdown.end()
    }
  }

  /** Stands by, and starts the next generation. @returns undefined if this process has to end @throws ProxyFailure if it cannot start */
  async #standByAndServeAgain(draining: DrainingGenerations, shutdown: Shutdown): Promise<Generation | undefined> {
    this.#failingSince = undefined
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, 2 * retryMs)) {
      // Also after a failure: meanwhile, another proxy may serve.
      if (!(await this.#standBy(draining, shutdown))) return undefined
      await this.#generation.close()
      if (this.#failingSince === undefined) this.#log.info(0, 'The kube-proxy that took over has ended: serving again')
      try {
        return await this.#serveAgain(shutdown)
      } catch (error) {
        this.#failingSince ??= realClock.now()
        if (isLasting(error) || realClock.now() - this.#failingSince > SERVE_AGAIN_TIMEOUT_MS) throw error
        this.#log.error('Cannot serve again; trying again', error, { retryMs })
        await pause(realClock, retryMs, shutdown.stop.aborted ? shutdown.isOver : shutdown.stop)
      }
    }
  }

  /** Waits until this process must serve again, or has to end. @returns whether it must serve again */
  async #standBy(draining: DrainingGenerations, shutdown: Shutdown): Promise<boolean> {
    const generation = this.#generation
    const { successor } = generation
    const over = new AbortController()
    let isNameFree = false
    let isThirdServing = false
    let isDrained = false
    let wake = (): void => undefined
    const onServed = (): void => {
      draining.announceServed()
      // A third proxy may serve, and need the ports of this one.
      successor.letAnswer()
    }
    void aborted(successor.serves).then(onServed)
    void aborted(shutdown.stop).then(successor.letAnswer)
    void aborted(successor.gone).then(async () => {
      // A fourth one may follow the third one, and not serve yet.
      const onThirdServing = (isServing: boolean): void => {
        isThirdServing = isServing
        if (!isServing) return
        onServed()
        this.#failingSince = undefined
        wake()
      }
      await generation.standBehind(onThirdServing, over.signal)
      isNameFree = true
      wake()
    })
    void aborted(shutdown.stop).then(async () => {
      await draining.whenIdle()
      isDrained = true
      wake()
    })
    void aborted(shutdown.isOver).then(() => wake())
    for (;;) {
      const ended = successor.isLost ? 'lost' : 'ended'
      const step = standbyStep({
        successor: successor.gone.aborted ? ended : 'here',
        isNameFree,
        isThirdServing,
        hasToEnd: shutdown.stop.aborted,
        isDrained,
        isTimeOver: shutdown.isOver.aborted,
      })
      if (step !== 'wait') {
        over.abort()
        return step === 'serve again'
      }
      await new Promise<void>(resolve => (wake = resolve))
    }
  }

  /** Creates the next generation, and applies what has changed meanwhile. @returns undefined if the time of this process is over */
  async #serveAgain(shutdown: Shutdown): Promise<Generation | undefined> {
    const config = this.#config
    const created = this.#create(config, true)
    const generation = await Promise.race([created, aborted(shutdown.isOver)])
    if (generation === undefined) {
      created.then(late => late.discard()).catch(() => undefined)
      return undefined
    }
    try {
      for (let used = config; used !== this.#config;) await generation.reconfigure((used = this.#config))
    } catch (error) {
      await generation.discard()
      throw error
    }
    this.#generation = generation
    this.#signalsAgain = signalsOnceProgrammed(generation, shutdown)
    this.#isStandingBy = false
    if (this.#failure !== undefined) generation.end(this.#failure)
    return generation
  }

  #logHeldFailure(): void {
    const failure = this.#failure
    if (failure !== undefined)
      this.#log.info(0, 'This kube-proxy ends when it serves again', { reason: failure.message })
  }
}

/**
 * What ends a proxy that serves again: nothing before its rules are in the kernel, since the others lead to a process that is gone. A
 * failure ends it nevertheless if they are not there in time.
 */
function signalsOnceProgrammed({ programmed }: Generation, { stop, lastClients }: Shutdown): RunSignals {
  const [source, late] = [new AbortController(), new AbortController()]
  void Promise.all([aborted(stop), aborted(programmed)]).then(() => source.abort())
  realClock.after(SERVE_AGAIN_TIMEOUT_MS, () => late.abort(), { keepsAlive: false })
  return {
    stop: AbortSignal.any([source.signal, lastClients]),
    mayFail: AbortSignal.any([programmed, lastClients, late.signal]),
  }
}

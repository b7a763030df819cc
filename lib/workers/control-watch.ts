import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { SilenceCounter } from '../primitives/silence-counter.js'
import { hasInspector, isTraced } from '../system/process-facts.js'

/** In how many steps the time without pings is counted. */
const TICKS = 12

/**
 * What became of the attempt to end the control process:
 * - `signalled`: it got SIGKILL. The first process of a container survives it; a thread of its own ends it, unless it is stopped.
 * - `gone`: it has exited, and another process is the parent now.
 * - `traced`: a debugger holds it.
 */
export type KillResult = 'signalled' | 'gone' | 'traced'

/** The parts and settings of a `ControlWatch`. */
export interface ControlWatchOptions {
  /** Milliseconds without a ping after which the control process is ended. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
  readonly killControl: () => KillResult
}

/**
 * Ends a control process that no longer turns, since it would neither follow the cluster nor end by itself: SIGTERM needs an event
 * loop that turns, too. What has started it starts it again; until then the workers serve as orphans.
 */
export class ControlWatch {
  readonly #options: ControlWatchOptions
  readonly #silence = new SilenceCounter(TICKS)
  #cancelTimer: () => void = () => undefined
  #isSignalled = false

  /** Starts the watch. */
  constructor(options: ControlWatchOptions) {
    this.#options = options
    this.#schedule()
  }

  /** A ping has arrived. */
  recordPing(): void {
    this.#silence.recordSign()
    this.#isSignalled = false
  }

  /** Ends the watch. */
  stop(): void {
    this.#cancelTimer()
  }

  #schedule(): void {
    const { clock, timeoutMs } = this.#options
    this.#cancelTimer = clock.after(timeoutMs / TICKS, () => {
      this.#schedule()
      if (this.#silence.tick()) this.#end()
    })
  }

  #end(): void {
    const { log, killControl, timeoutMs } = this.#options
    const seconds = timeoutMs / 1000
    if (this.#isSignalled) return
    const result = killControl()
    if (result === 'traced') log.warn('The control process does not turn, but a debugger holds it', { seconds })
    if (result !== 'signalled') return
    this.#isSignalled = true
    const hint = 'If it is stopped as the first process of a container, only a livenessProbe for /livez ends it'
    const failure = new ProxyFailure('CONTROL_SILENT', `The control process has sent no ping for ${seconds} s`, {
      hint,
    })
    log.error('Killing the control process', failure)
  }
}

/**
 * Kills the process that has started this one, unless it has exited or a debugger holds it. The kernel gives the children of a
 * process that has exited another parent, so the id of the parent cannot be that of another process by chance.
 * @param pid the parent at the start
 */
export function killParent(pid: number): KillResult {
  if (process.ppid !== pid) return 'gone'
  // A worker has the options of its parent. In this debugger only the parent stops at breakpoints.
  if (hasInspector()) return 'traced'
  if (isTraced(pid)) return 'traced'
  try {
    process.kill(pid, 'SIGKILL')
    return 'signalled'
  } catch {
    return 'gone'
  }
}

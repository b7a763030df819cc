import { type ChildProcess, type ForkOptions, type SendHandle, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Clock } from '../model/clock.js'
import { ProxyFailure, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { PingLoop } from '../primitives/ping-loop.js'
import { ProcessLiveness, type ProcessProblem } from '../primitives/process-liveness.js'
import { readStartTime } from '../system/process-facts.js'
import { startProcess } from '../system/start-process.js'
import { workerOptions } from './worker-options.js'
import { descriptorOf } from './bound-handle.js'
import { markedEnvironment } from './is-orphan.js'
import { parseWorkerMessage } from './parse-worker-message.js'
import { type WorkerMessage, type WorkerCommand, type WorkerSettings } from './worker-messages.js'

/** The program file of a worker. */
export const WORKER_MAIN = fileURLToPath(new URL('worker-main.js', import.meta.url))

const OWN_START_TIME = readStartTime(process.pid) ?? ''

/** Pause before the restart of a worker that exited soon, in milliseconds: first none, then doubling up to the maximum. */
const MIN_RESTART_DELAY_MS = 100
const MAX_RESTART_DELAY_MS = 10_000
/** A worker that has run this long can run: the next one starts at once. */
const STABLE_RUN_MS = 10_000

/** A bound socket that a process inherits, and the listener that uses it. */
export interface InheritedSocket {
  readonly key: ServicePortKey
  /** The handle of a `BoundHandle`. */
  readonly handle: object
}

/** The parts, settings and callbacks of a `WorkerProcess`. */
export interface WorkerProcessOptions {
  readonly settings: WorkerSettings
  /** Words before the command of a process, with which it has fewer rights. Left out: it has the rights of this process. */
  readonly startedThrough?: readonly string[] | undefined
  /** Called for each new process: the sockets that it inherits. */
  readonly inheritedSockets: () => readonly InheritedSocket[]
  readonly clock: Clock
  readonly log: Log
  /** The process takes commands from now on. It has no plan yet, and the inherited sockets. */
  readonly onReady: (inherited: readonly InheritedSocket[]) => void
  /** The process has exited, or could not start, and will not handle its commands. A new one starts. */
  readonly onEnd: () => void
  readonly onMessage: (message: WorkerMessage) => void
}

/** One slot of the pool: a worker process, and its successor after it has exited. */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions
  #child: ChildProcess | undefined
  #isReady = false
  #isStopping = false
  #isReplacing = false
  #restarts = 0
  /** How many processes in a row exited soon. */
  #shortRuns = 0
  readonly #liveness = new ProcessLiveness()
  readonly #pings: PingLoop
  readonly #startProblem = new OnceReporter()
  #cancelRestart: () => void = () => undefined
  /** See the option. Empty from when its program was not found. */
  #startedThrough: readonly string[]

  constructor(options: WorkerProcessOptions) {
    this.#options = options
    this.#startedThrough = options.startedThrough ?? []
    this.#pings = new PingLoop(options.clock, this.#liveness, {
      ping: () => this.send({ kind: 'ping' }),
      // A worker that does not reply does not serve clients either, so another process should hold its listeners.
      onSilent: () => this.#replaceSilent(),
    })
    this.#start()
  }

  /** Whether the process takes commands. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** How many processes have replaced one that exited. */
  get restarts(): number {
    return this.#restarts
  }

  /** Whether the process has replied to the last ping. */
  get hasAnswered(): boolean {
    return this.#liveness.hasReplied
  }

  /** Why the clients of this worker are not served; undefined: they are, or will be in a moment. */
  get problem(): ProcessProblem | undefined {
    return this.#liveness.problemAt(this.#options.clock.now())
  }

  /** Undefined while no process runs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Sends a command, with a copy of a socket if there is one. Sends nothing to a worker that is not ready. */
  send(command: WorkerCommand, handle?: object): void {
    if (!this.#isReady) return
    // A send fails only if the process exits, and its exit is reported anyway.
    this.#child?.send(command, handle as SendHandle | undefined, {}, () => undefined)
  }

  /** Replaces the process by one that inherits its sockets, which is much faster than sending many. */
  replace(): void {
    this.#isReplacing = true
    this.kill()
  }

  /** No new process starts from now on. One that hangs is killed all the same. */
  disableRestart(): void {
    this.#isStopping = true
    this.#cancelRestart()
  }

  /** Kills the process. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  #start(): void {
    const { settings, inheritedSockets, clock, log } = this.#options
    const inherited = inheritedSockets()
    const startedAt = clock.now()
    const child = startProcess(
      () =>
        fork(WORKER_MAIN, [JSON.stringify(settings)], {
          ...programThrough(this.#startedThrough),
          serialization: 'advanced',
          env: { ...process.env, ...markedEnvironment(OWN_START_TIME) },
          stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...inherited.map(({ handle }) => descriptorOf(handle))],
        }),
      error => this.#onStartFailed(error, startedAt),
    )
    this.#child = child
    if (child === undefined) return
    this.#pings.start()
    child.on('message', message => this.#receive(message, inherited))
    child.on('exit', (code, signal) => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#isReady = false
      this.#pings.stop()
      if (this.#isReplacing && !this.#isStopping) {
        this.#isReplacing = false
        this.#start()
      } else if (!this.#isStopping) {
        const failure = workerFailed(`Data-plane worker exited: ${signal ?? `exit code ${code}`}`)
        log.error('A data-plane worker exited; its connections are lost', failure, { pid: child.pid })
        this.#liveness.exited(clock.now())
        this.#scheduleRestart(clock.now() - startedAt)
      }
      this.#options.onEnd()
    })
  }

  #onStartFailed(error: Error, startedAt: number): void {
    if (this.#isStopping) return
    const { clock, log } = this.#options
    const [program] = this.#startedThrough
    if (program !== undefined && systemCode(error) === 'ENOENT') {
      // As at the start of the proxy: clients are served, with or without that program.
      this.#startedThrough = []
      log.warn('A data-plane worker keeps the capabilities of the control process', {
        reason: `there is no program "${program}" in PATH any more`,
        hint: `Install "${program}" again, and start this proxy again`,
      })
      return this.#start()
    }
    // Each attempt fails in the same way as long as there is no memory, or no descriptor.
    this.#startProblem.updateOne(error.message, () =>
      log.error(
        'Cannot start a data-plane worker; trying again, later and later',
        new ProxyFailure('WORKER_FAILED', `Cannot start a data-plane worker: ${error.message}`, {
          cause: error,
          hint: 'Free memory, processes or open files of this node; the error names what it lacks',
        }),
      ),
    )
    this.#liveness.exited(clock.now())
    this.#scheduleRestart(clock.now() - startedAt)
    this.#options.onEnd()
  }

  #scheduleRestart(uptimeMs: number): void {
    const { clock } = this.#options
    this.#shortRuns = uptimeMs < STABLE_RUN_MS ? this.#shortRuns + 1 : 0
    const delayMs =
      this.#shortRuns < 2 ? 0 : Math.min(MAX_RESTART_DELAY_MS, MIN_RESTART_DELAY_MS * 2 ** (this.#shortRuns - 2))
    this.#restarts++
    this.#cancelRestart = clock.after(delayMs, () => this.#start())
  }

  /** What a worker that sends wrong messages does for its clients is not known either: another process should hold its listeners. */
  #receive(value: unknown, inherited: readonly InheritedSocket[]): void {
    let message: WorkerMessage
    try {
      message = parseWorkerMessage(value)
    } catch (error) {
      this.#options.log.error('Killing a data-plane worker', error, { pid: this.pid })
      return this.kill()
    }
    this.#handle(message, inherited)
  }

  #handle(message: WorkerMessage, inherited: readonly InheritedSocket[]): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        this.#startProblem.clear()
        this.#liveness.replied()
        return this.#options.onReady(inherited)
      case 'pong':
        return this.#liveness.replied()
      default:
        return this.#options.onMessage(message)
    }
  }

  #replaceSilent(): void {
    const failure = workerFailed('Data-plane worker does not reply')
    const message = this.#isStopping ? 'Killing a data-plane worker in its drain' : 'Replacing a data-plane worker'
    this.#options.log.error(message, failure, { pid: this.pid })
    this.kill()
  }
}

/** How `fork` starts this Node.js: with these words before it, which start it in the same process. */
function programThrough(words: readonly string[]): Pick<ForkOptions, 'execPath' | 'execArgv'> {
  const [program, ...args] = [...words, process.execPath]
  return { execPath: program, execArgv: [...args, ...workerOptions(process.execArgv)] }
}

function workerFailed(message: string): ProxyFailure {
  return new ProxyFailure('WORKER_FAILED', message)
}

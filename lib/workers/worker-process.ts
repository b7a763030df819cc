import { type ChildProcess, type SendHandle, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Clock } from '../model/clock.js'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ServicePortKey } from '../model/service-port.js'
import { descriptorOf } from './bound-handle.js'
import { type WorkerMessage, type WorkerCommand, type WorkerSettings } from './worker-messages.js'

const WORKER_MAIN = fileURLToPath(new URL('worker-main.js', import.meta.url))

/** Pause before a worker that did not live long is started again, in milliseconds: none, then doubling up to the last. */
const MIN_RESTART_DELAY_MS = 100
const MAX_RESTART_DELAY_MS = 10_000
/** A worker that has lived this long ended by accident, and not because it cannot live: it is replaced at once. */
const STABLE_RUN_MS = 10_000
/** How often a worker is asked whether it is there, and how often in a row it may owe the answer. */
const PING_INTERVAL_MS = 5000
const MAX_MISSED_PINGS = 6

/** A bound socket that a process is born with, and the listener that it is for. */
export interface InheritedSocket {
  readonly key: ServicePortKey
  /** As `BoundHandle` has it. */
  readonly handle: object
}

export interface WorkerProcessOptions {
  readonly settings: WorkerSettings
  /** Asked whenever a process is started: what it is to be born with. */
  readonly inheritedSockets: () => readonly InheritedSocket[]
  readonly clock: Clock
  readonly log: Log
  /** It takes orders from now on, and knows nothing yet but what it was born with. */
  readonly onReady: (inherited: readonly InheritedSocket[]) => void
  /** It has ended; what it was ordered is not carried out any more. Another one is being started. */
  readonly onEnd: () => void
  readonly onMessage: (answer: WorkerMessage) => void
}

/** One place of the pool: a worker process, and the next one when that has ended. */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions
  #child: ChildProcess | undefined
  #isReady = false
  #isStopping = false
  #isReplacing = false
  #restarts = 0
  /** Lives in a row that were short. */
  #shortRuns = 0
  #unansweredPings = 0
  #cancelTimer: () => void = () => undefined

  constructor(options: WorkerProcessOptions) {
    this.#options = options
    this.#start()
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Processes that were started in place of one that had ended. */
  get restarts(): number {
    return this.#restarts
  }

  /** Whether it owes no answer to the question whether it is there. */
  get hasAnswered(): boolean {
    return this.#unansweredPings === 0
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Sends an order, with the copy of a socket if there is one. To a worker that is not ready nothing is sent. */
  send(command: WorkerCommand, handle?: object): void {
    if (!this.#isReady) return
    // What a send fails of is told by the end of the process.
    this.#child?.send(command, handle as SendHandle | undefined, {}, () => undefined)
  }

  /** Has another process take its place, that is born with sockets: that is far quicker than to send it many. */
  replace(): void {
    this.#isReplacing = true
    this.kill()
  }

  /** Is not started again from now on. */
  disableRestart(): void {
    this.#isStopping = true
    this.#cancelTimer()
  }

  /** Ends it by force. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  #start(): void {
    const { settings, inheritedSockets, clock, log } = this.#options
    const inherited = inheritedSockets()
    const child = fork(WORKER_MAIN, [JSON.stringify(settings)], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...inherited.map(({ handle }) => descriptorOf(handle))],
    })
    const startedAt = clock.now()
    this.#child = child
    child.on('message', answer => this.#handle(answer as WorkerMessage, inherited))
    const ended = (reason: string): void => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#isReady = false
      this.#cancelTimer()
      if (this.#isReplacing) {
        this.#isReplacing = false
        this.#start()
      } else if (!this.#isStopping) {
        log.error('Connections of a data-plane worker are lost', workerFailed(`Data-plane worker ended: ${reason}`), {
          pid: child.pid,
        })
        this.#scheduleRestart(clock.now() - startedAt)
      }
      this.#options.onEnd()
    }
    child.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
    child.on('error', error => {
      // Also told for a message that could not be sent, which says nothing about the process.
      if (child.pid === undefined) ended(error.message)
    })
  }

  #scheduleRestart(uptimeMs: number): void {
    const { clock } = this.#options
    this.#shortRuns = uptimeMs < STABLE_RUN_MS ? this.#shortRuns + 1 : 0
    const delayMs =
      this.#shortRuns < 2 ? 0 : Math.min(MAX_RESTART_DELAY_MS, MIN_RESTART_DELAY_MS * 2 ** (this.#shortRuns - 2))
    this.#restarts++
    this.#cancelTimer = clock.after(delayMs, () => this.#start())
  }

  #handle(message: WorkerMessage, inherited: readonly InheritedSocket[]): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        this.#unansweredPings = 0
        this.#ping()
        return this.#options.onReady(inherited)
      case 'pong':
        this.#unansweredPings = 0
        return
      default:
        return this.#options.onMessage(message)
    }
  }

  /** One that does not answer serves nobody either; what it holds is better off with another one. */
  #ping(): void {
    const { clock, log } = this.#options
    if (this.#unansweredPings >= MAX_MISSED_PINGS) {
      log.error('A data-plane worker is replaced', workerFailed('Data-plane worker does not answer'), { pid: this.pid })
      return this.kill()
    }
    this.#unansweredPings++
    this.send({ kind: 'ping' })
    this.#cancelTimer = clock.after(PING_INTERVAL_MS, () => this.#ping())
  }
}

function workerFailed(message: string): ProxyFailure {
  return new ProxyFailure('WORKER_FAILED', message)
}

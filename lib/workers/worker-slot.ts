import { type LiveSettings } from '../dataplane/data-plane.js'
import { type RowPart } from '../dataplane/age-rows.js'
import { type InspectRequest } from '../dataplane/inspect-request.js'
import { type Shortage } from '../dataplane/limits/shortage-watch.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { type ProfileRequest, type RawProfile } from '../model/profile.js'
import { withTimeout } from '../primitives/with-timeout.js'
import { type WorkerId } from './assign-listeners.js'
import { WorkerLink } from './worker-link.js'
import { type WorkerMessage, type WorkerSettings } from './worker-messages.js'
import { type InheritedSocket, WorkerProcess } from './worker-process.js'

/** How long a worker may take to make a profile, besides the time that the profile is about. In milliseconds. */
const PROFILE_TIMEOUT_MS = 10_000
/** How long an answer about connections waits for the next part of a worker's, in milliseconds. */
const INSPECT_TIMEOUT_MS = 3000

/** The parts, settings and callbacks of a `WorkerSlot`. */
export interface WorkerSlotOptions {
  readonly id: WorkerId
  readonly settings: WorkerSettings
  /** See `WorkerProcessOptions`. */
  readonly startedThrough?: readonly string[] | undefined
  readonly clock: Clock
  readonly log: Log
  /** Called for each new process: the sockets that it inherits. */
  readonly inheritedSockets: () => readonly InheritedSocket[]
  /** There is a link to a new process. */
  readonly onReady: () => void
  /** The link has ended with its process. */
  readonly onEnd: () => void
  /** Something is short in the worker. */
  readonly onShortage: (shortage: Shortage) => void
}

/** What one process of a worker has replied. */
export interface RowsOfProcess {
  readonly pid: number
  readonly parts: readonly RowPart[]
}

/** The place of one worker: its process, or the next one after it has exited, and the link to a process that is ready. */
export class WorkerSlot {
  readonly id: WorkerId
  readonly process: WorkerProcess
  readonly #options: WorkerSlotOptions
  #link: WorkerLink | undefined
  /** What has changed since the settings that its processes start with. */
  #changed: LiveSettings | undefined

  /** Starts the process. */
  constructor(options: WorkerSlotOptions) {
    const { id, settings, startedThrough, clock, log, inheritedSockets } = options
    this.id = id
    this.#options = options
    this.process = new WorkerProcess({
      settings,
      startedThrough,
      clock,
      log,
      inheritedSockets,
      onReady: inherited => this.#connect(inherited),
      onEnd: () => this.#disconnect(),
      onMessage: message => this.#handle(message),
    })
  }

  /** The link to the current process; undefined while none is ready. */
  get link(): WorkerLink | undefined {
    return this.#link
  }

  /** Whether clients have a worker here that replies. */
  get isServing(): boolean {
    return this.#link !== undefined && this.process.problem !== 'silent'
  }

  /** Changes the settings of this worker, and of those that replace it. */
  changeSettings(settings: LiveSettings): void {
    this.#changed = settings
    this.#link?.changeSettings(settings)
  }

  /** Asks for a profile; undefined if the worker does not run or does not reply in time. */
  takeProfile(request: ProfileRequest): Promise<RawProfile | undefined> {
    const durationMs = request.kind === 'cpu' ? request.durationMs : 0
    return withTimeout<RawProfile | undefined>(Promise.resolve(this.#link?.requestProfile(request)), {
      clock: this.#options.clock,
      ms: durationMs + PROFILE_TIMEOUT_MS,
      onTimeout: () => undefined,
    })
  }

  /** Asks for rows; undefined if the worker does not run, exits, or sends nothing for too long. */
  async inspect(request: InspectRequest): Promise<RowsOfProcess | undefined> {
    const link = this.#link
    const { pid } = this.process
    if (link === undefined || pid === undefined) return undefined
    let isWanted = true
    const reply = link.inspect(request, () => isWanted)
    for (let count = -1; count < link.partsOfRows;) {
      count = link.partsOfRows
      const limit = { clock: this.#options.clock, ms: INSPECT_TIMEOUT_MS, onTimeout: () => 'timeout' as const }
      const parts = await withTimeout<readonly RowPart[] | 'timeout' | undefined>(reply, limit)
      if (parts !== 'timeout') return parts && { pid, parts }
    }
    isWanted = false
    return undefined
  }

  #connect(inherited: readonly InheritedSocket[]): void {
    this.#link = new WorkerLink((command, handle) => this.process.send(command, handle), inherited, this.#options.clock)
    if (this.#changed !== undefined) this.#link.changeSettings(this.#changed)
    this.#options.onReady()
  }

  #disconnect(): void {
    this.#link?.processEnded()
    this.#link = undefined
    this.#options.onEnd()
  }

  #handle(message: WorkerMessage): void {
    if (message.kind === 'shortage') this.#options.onShortage(message.shortage)
    else this.#link?.handle(message)
  }
}

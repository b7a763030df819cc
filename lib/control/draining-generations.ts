import { type Log } from '../model/log.js'
import { aborted } from '../primitives/aborted.js'
import { type StandbyLimits } from './drain-data-plane.js'
import { type Shutdown } from './shutdown.js'

/** How many may drain at the same time. Each has worker processes, and a successor that crashes again and again adds one each time. */
const MAX_DRAINING = 3

/** A generation that has given way. */
export interface DrainingGeneration {
  /** Whether it carries connections, which may be open. */
  readonly carriesConnections: boolean
  /** Ends it: refuses new connections, and lets the open ones end until `limits` say otherwise. */
  drain(limits: StandbyLimits): Promise<void>
}

interface Entry {
  /** Aborted when other listeners have its new clients. */
  readonly served: AbortController
  /** Aborted when it has to end, whatever is open. */
  readonly cutOff: AbortController
}

/** The generations of this process that have given way, until their last connections have ended. */
export class DrainingGenerations {
  readonly #shutdown: Shutdown
  readonly #log: Log
  readonly #running = new Map<Entry, Promise<void>>()

  constructor(shutdown: Shutdown, log: Log) {
    this.#shutdown = shutdown
    this.#log = log
  }

  /** How many there are. */
  get size(): number {
    return this.#running.size
  }

  /** Adds one. It serves new clients until `announceServed`, or for as long as it may after a stop. */
  add(generation: DrainingGeneration): void {
    const entry = { served: new AbortController(), cutOff: new AbortController() }
    const ended = this.#run(generation, entry).finally(() => this.#running.delete(entry))
    this.#running.set(entry, ended)
    if (this.#running.size > MAX_DRAINING) this.#cutOffOldest()
  }

  /** A proxy's rules are in the kernel: no new client comes to any of these generations. */
  readonly announceServed = (): void => {
    for (const { served } of this.#running.keys()) served.abort()
  }

  /** Resolves when all have ended. */
  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  async #run(generation: DrainingGeneration, { served, cutOff }: Entry): Promise<void> {
    const { lastClients, isOver, forceStop } = this.#shutdown
    if (generation.carriesConnections)
      await Promise.race([aborted(served.signal), aborted(lastClients), aborted(cutOff.signal)])
    await generation.drain({ timeIsOver: AbortSignal.any([isOver, cutOff.signal]), forceStop })
  }

  /** One that still has new clients goes last. */
  #cutOffOldest(): void {
    const entries = [...this.#running.keys()].filter(({ cutOff }) => !cutOff.signal.aborted)
    const oldest = entries.find(({ served }) => served.signal.aborted) ?? entries[0]
    this.#log.warn('Other kube-proxies took over and ended too often; closing the oldest open connections', {
      generations: this.#running.size,
    })
    oldest?.cutOff.abort()
  }
}

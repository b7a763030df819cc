import { type Contender, type RunningContender } from './contenders/contender.js'
import { type ContenderControl } from './loads/load.js'
import { type ClusterSize } from './testbed/bench-service.js'
import { Testbed } from './testbed/testbed.js'
import { TimeLimitExceeded } from './time-limit-exceeded.js'
import { type TeardownScope } from '../../test/support/nodes/node-network.js'

/** A contender in its testbed. It keeps running between loads that use the same cluster. */
export class ContenderSession implements ContenderControl {
  readonly contender: Contender
  readonly site: Testbed
  seconds = 0
  /** Cluster sizes at which it takes too long to start. */
  readonly #tooSlowSizes: { readonly size: ClusterSize; readonly why: TimeLimitExceeded }[] = []
  #current: { readonly it: RunningContender; readonly size: ClusterSize } | undefined

  private constructor(contender: Contender, site: Testbed) {
    this.contender = contender
    this.site = site
  }

  static async create(t: TeardownScope, contender: Contender): Promise<ContenderSession> {
    return new ContenderSession(contender, await Testbed.create(t))
  }

  async ensureRunning(size: ClusterSize): Promise<RunningContender> {
    return this.#current !== undefined && isSameSize(this.#current.size, size) ? this.#current.it : this.restart(size)
  }

  async restart(size: ClusterSize): Promise<RunningContender> {
    await this.stop()
    const given = this.#tooSlowSizes.find(one => isSameSize(one.size, size))
    if (given !== undefined) throw given.why
    const it = await this.#start(size)
    this.#current = { it, size }
    await this.site.shortenConntrackTimes()
    return it
  }

  async stop(): Promise<void> {
    const running = this.#current
    this.#current = undefined
    await running?.it.stop()
  }

  async markTooSlow(size: ClusterSize, why: TimeLimitExceeded): Promise<void> {
    this.#tooSlowSizes.push({ size, why })
    await this.stop()
  }

  async #start(size: ClusterSize): Promise<RunningContender> {
    try {
      return await this.contender.start(this.site, size)
    } catch (error) {
      if (error instanceof TimeLimitExceeded) this.#tooSlowSizes.push({ size, why: error })
      throw error
    }
  }
}

function isSameSize(one: ClusterSize, other: ClusterSize): boolean {
  return one.services === other.services && one.endpoints === other.endpoints
}

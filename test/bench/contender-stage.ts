import { type Contender, type Running } from './contenders/contender.js'
import { type Stage } from './loads/load.js'
import { type ClusterSize } from './site/bench-service.js'
import { BenchSite } from './site/bench-site.js'
import { TakesTooLong } from './takes-too-long.js'
import { type Teardown } from '../support/node-network.js'

/** A contender at its place: it goes on running from load to load while they want the same cluster. */
export class ContenderStage implements Stage {
  readonly contender: Contender
  readonly site: BenchSite
  seconds = 0
  /** Sizes of clusters at which it takes too long to start. */
  readonly #givenUp: { readonly size: ClusterSize; readonly why: TakesTooLong }[] = []
  #running: { readonly it: Running; readonly size: ClusterSize } | undefined

  private constructor(contender: Contender, site: BenchSite) {
    this.contender = contender
    this.site = site
  }

  static async create(t: Teardown, contender: Contender): Promise<ContenderStage> {
    return new ContenderStage(contender, await BenchSite.create(t))
  }

  async running(size: ClusterSize): Promise<Running> {
    return this.#running !== undefined && isSame(this.#running.size, size) ? this.#running.it : this.fresh(size)
  }

  async fresh(size: ClusterSize): Promise<Running> {
    await this.stop()
    const given = this.#givenUp.find(one => isSame(one.size, size))
    if (given !== undefined) throw given.why
    const it = await this.#start(size)
    this.#running = { it, size }
    await this.site.shortenConntrackTimes()
    return it
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.it.stop()
  }

  async giveUp(size: ClusterSize, why: TakesTooLong): Promise<void> {
    this.#givenUp.push({ size, why })
    await this.stop()
  }

  async #start(size: ClusterSize): Promise<Running> {
    try {
      return await this.contender.start(this.site, size)
    } catch (error) {
      if (error instanceof TakesTooLong) this.#givenUp.push({ size, why: error })
      throw error
    }
  }
}

function isSame(one: ClusterSize, other: ClusterSize): boolean {
  return one.services === other.services && one.endpoints === other.endpoints
}

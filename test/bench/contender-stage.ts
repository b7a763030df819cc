import { type Contender, type Running } from './contenders/contender.js'
import { type Stage } from './loads/load.js'
import { type ClusterSize } from './site/bench-service.js'
import { BenchSite } from './site/bench-site.js'
import { type Teardown } from '../support/node-network.js'

/** A contender at its place: it goes on running from load to load while they want the same cluster. */
export class ContenderStage implements Stage {
  readonly contender: Contender
  readonly site: BenchSite
  seconds = 0
  #running: { readonly it: Running; readonly size: ClusterSize } | undefined

  private constructor(contender: Contender, site: BenchSite) {
    this.contender = contender
    this.site = site
  }

  static async create(t: Teardown, contender: Contender): Promise<ContenderStage> {
    return new ContenderStage(contender, await BenchSite.create(t))
  }

  async running(size: ClusterSize): Promise<Running> {
    const { services, endpoints } = this.#running?.size ?? {}
    if (services === size.services && endpoints === size.endpoints) return this.#running!.it
    return this.fresh(size)
  }

  async fresh(size: ClusterSize): Promise<Running> {
    await this.stop()
    const it = await this.contender.start(this.site, size)
    this.#running = { it, size }
    await this.site.shortenConntrackTimes()
    return it
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.it.stop()
  }
}

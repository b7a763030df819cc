import { apiNamesOf, apiObjectsOf } from '../../site/api-objects-of.js'
import { type BenchApi } from '../../site/bench-api.js'
import { type BenchService } from '../../site/bench-service.js'
import { type SoakClient } from '../client/soak-client.js'
import { passingService } from '../soak-services.js'
import { Change } from './change.js'

const SERVED_MS = 3000
const GONE_MS = 1500

/** A Service comes, is asked, and goes; what was connected to it then outlives it. */
export class PassingChange extends Change {
  readonly #api: BenchApi
  readonly #client: SoakClient
  readonly #base: BenchService

  constructor(api: BenchApi, client: SoakClient, base: BenchService) {
    super()
    this.#api = api
    this.#client = client
    this.#base = base
  }

  protected override async once(n: number): Promise<void> {
    const service = passingService(this.#base, n)
    await this.#api.put(apiObjectsOf(service))
    await this.#client.visit('passing', service, this.#base.name)
    await this.pause(SERVED_MS)
    await this.#client.leave(service)
    await this.#api.remove(apiNamesOf(service))
    await this.pause(GONE_MS)
    await this.#client.outlive(service)
  }
}

import { apiObjectNames, makeApiObjects } from '../../testbed/api-objects.js'
import { type BenchApi } from '../../testbed/bench-api.js'
import { type BenchService } from '../../testbed/bench-service.js'
import { type SoakClient } from '../client/soak-client.js'
import { makeTemporaryService } from '../soak-services.js'
import { ChurnLoop } from './churn-loop.js'

const SERVED_MS = 3000
const GONE_MS = 1500

/** Creates a Service, lets the client use it, and deletes it; one connection outlives the Service. */
export class TemporaryServiceLoop extends ChurnLoop {
  readonly #api: BenchApi
  readonly #client: SoakClient
  readonly #base: BenchService

  constructor(api: BenchApi, client: SoakClient, base: BenchService) {
    super()
    this.#api = api
    this.#client = client
    this.#base = base
  }

  protected override async runOnce(n: number): Promise<void> {
    const service = makeTemporaryService(this.#base, n)
    await this.#api.put(makeApiObjects(service))
    await this.#client.startService('temporary', service, this.#base.name)
    await this.pause(SERVED_MS)
    await this.#client.stopService(service)
    await this.#api.remove(apiObjectNames(service))
    await this.pause(GONE_MS)
    await this.#client.checkRemovedService(service)
  }
}

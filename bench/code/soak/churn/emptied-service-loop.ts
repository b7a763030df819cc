import { makeEndpointObjects } from '../../testbed/api-objects.js'
import { type BenchApi } from '../../testbed/bench-api.js'
import { type BenchService } from '../../testbed/bench-service.js'
import { type SoakClient } from '../client/soak-client.js'
import { ChurnLoop } from './churn-loop.js'

const SERVED_MS = 6000
const EMPTY_MS = 1000

/** Removes the last endpoint of a Service, waits until clients are refused, and adds endpoints again. */
export class EmptiedServiceLoop extends ChurnLoop {
  readonly #api: BenchApi
  readonly #client: SoakClient
  readonly #service: BenchService

  constructor(api: BenchApi, client: SoakClient, service: BenchService) {
    super()
    this.#api = api
    this.#client = client
    this.#service = service
  }

  protected override async runOnce(): Promise<void> {
    const service = this.#service
    await this.#client.startService('emptied', service)
    await this.pause(SERVED_MS)
    await this.#client.stopService(service)
    await this.#api.put(makeEndpointObjects(service, []))
    await this.#client.waitUntilRefused(service)
    await this.pause(EMPTY_MS)
    await this.#api.put(makeEndpointObjects(service, service.endpoints))
  }
}

import { endpointObjectsOf } from '../../site/api-objects-of.js'
import { type BenchApi } from '../../site/bench-api.js'
import { type BenchService } from '../../site/bench-service.js'
import { type SoakClient } from '../client/soak-client.js'
import { Change } from './change.js'

const SERVED_MS = 6000
const EMPTY_MS = 1000

/** A Service loses its last endpoint, clients are refused, and it is served again. */
export class HollowChange extends Change {
  readonly #api: BenchApi
  readonly #client: SoakClient
  readonly #service: BenchService

  constructor(api: BenchApi, client: SoakClient, service: BenchService) {
    super()
    this.#api = api
    this.#client = client
    this.#service = service
  }

  protected override async once(): Promise<void> {
    const service = this.#service
    await this.#client.visit('hollow', service)
    await this.pause(SERVED_MS)
    await this.#client.leave(service)
    await this.#api.put(endpointObjectsOf(service, []))
    await this.#client.beRefused(service)
    await this.pause(EMPTY_MS)
    await this.#api.put(endpointObjectsOf(service, service.endpoints))
  }
}

import { type BenchApi } from '../../testbed/bench-api.js'
import { type SoakClient } from '../client/soak-client.js'
import { EMPTIED_SERVICES, TEMPORARY_SERVICES } from '../soak-services.js'
import { type ChurnLoop } from './churn-loop.js'
import { FailingEndpointsLoop } from './failing-endpoints-loop.js'
import { EndpointReplacementLoop } from './endpoint-replacement-loop.js'
import { EmptiedServiceLoop } from './emptied-service-loop.js'
import { TemporaryServiceLoop } from './temporary-service-loop.js'

/** The number of changes of each kind. */
export interface ChurnCounts {
  readonly endpointsReplaced: number
  readonly servicesReplaced: number
  readonly servicesEmptied: number
}

/** All loops that change objects of the API server, at the same time. */
export class Churn {
  readonly #endpointLoops: readonly ChurnLoop[]
  readonly #temporaryServiceLoops: readonly ChurnLoop[]
  readonly #emptiedServiceLoops: readonly ChurnLoop[]

  constructor(api: BenchApi, client: SoakClient) {
    this.#endpointLoops = [new EndpointReplacementLoop(api), new FailingEndpointsLoop(api)]
    this.#temporaryServiceLoops = TEMPORARY_SERVICES.map(base => new TemporaryServiceLoop(api, client, base))
    this.#emptiedServiceLoops = EMPTIED_SERVICES.map(service => new EmptiedServiceLoop(api, client, service))
  }

  get counts(): ChurnCounts {
    return {
      endpointsReplaced: countRuns(this.#endpointLoops),
      servicesReplaced: countRuns(this.#temporaryServiceLoops),
      servicesEmptied: countRuns(this.#emptiedServiceLoops),
    }
  }

  /** @param onFailure called when one of them fails */
  start(onFailure: (error: Error) => void): void {
    for (const change of this.#all()) change.start(onFailure)
  }

  /** Resolves when all started changes are done. */
  async stop(): Promise<void> {
    await Promise.all(this.#all().map(change => change.stop()))
  }

  #all(): ChurnLoop[] {
    return [...this.#endpointLoops, ...this.#temporaryServiceLoops, ...this.#emptiedServiceLoops]
  }
}

function countRuns(changes: readonly ChurnLoop[]): number {
  return changes.reduce((total, { count }) => total + count, 0)
}

import { type BenchApi } from '../../site/bench-api.js'
import { type SoakClient } from '../client/soak-client.js'
import { HOLLOW, PASSING } from '../soak-services.js'
import { type Change } from './change.js'
import { DoubtfulChange } from './doubtful-change.js'
import { EndpointsChange } from './endpoints-change.js'
import { HollowChange } from './hollow-change.js'
import { PassingChange } from './passing-change.js'

/** How often what was changed. */
export interface ChangeCounts {
  readonly endpointsReplaced: number
  readonly servicesPassed: number
  readonly servicesHollow: number
}

/** Everything that changes at the API server, all at the same time. */
export class Changes {
  readonly #replacing: readonly Change[]
  readonly #passing: readonly Change[]
  readonly #hollow: readonly Change[]

  constructor(api: BenchApi, client: SoakClient) {
    this.#replacing = [new EndpointsChange(api), new DoubtfulChange(api)]
    this.#passing = PASSING.map(base => new PassingChange(api, client, base))
    this.#hollow = HOLLOW.map(service => new HollowChange(api, client, service))
  }

  get counts(): ChangeCounts {
    return {
      endpointsReplaced: sum(this.#replacing),
      servicesPassed: sum(this.#passing),
      servicesHollow: sum(this.#hollow),
    }
  }

  /** @param onFailure told when one of them cannot go on */
  start(onFailure: (error: Error) => void): void {
    for (const change of this.#all()) change.start(onFailure)
  }

  /** Resolves when what was begun is done. */
  async stop(): Promise<void> {
    await Promise.all(this.#all().map(change => change.stop()))
  }

  #all(): Change[] {
    return [...this.#replacing, ...this.#passing, ...this.#hollow]
  }
}

function sum(changes: readonly Change[]): number {
  return changes.reduce((total, { count }) => total + count, 0)
}

import { makeEndpointObjects } from '../../testbed/api-objects.js'
import { type BenchApi } from '../../testbed/bench-api.js'
import { FAILING_SERVICE, LIVE_IPS, REFUSING_IP, UNRESPONSIVE_IP } from '../soak-services.js'
import { ChurnLoop } from './churn-loop.js'

const PAUSE_MS = 5000
const LIVE_IP = LIVE_IPS[0]!
const ENDPOINT_SETS: readonly (readonly string[])[] = [
  [LIVE_IP],
  [LIVE_IP, REFUSING_IP],
  [REFUSING_IP],
  [LIVE_IP, UNRESPONSIVE_IP],
  [UNRESPONSIVE_IP],
  [REFUSING_IP, UNRESPONSIVE_IP],
]

/** Makes the endpoints of one Service fail in different ways, one after the other. */
export class FailingEndpointsLoop extends ChurnLoop {
  readonly #api: BenchApi

  constructor(api: BenchApi) {
    super()
    this.#api = api
  }

  protected override async runOnce(n: number): Promise<void> {
    await this.#api.put(makeEndpointObjects(FAILING_SERVICE, ENDPOINT_SETS[n % ENDPOINT_SETS.length]!))
    await this.pause(PAUSE_MS)
  }
}

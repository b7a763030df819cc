import { makeEndpointObjects } from '../../testbed/api-objects.js'
import { type BenchApi } from '../../testbed/bench-api.js'
import { type BenchService } from '../../testbed/bench-service.js'
import {
  PERSISTENT_SERVICE,
  PERMANENT_IPS,
  LIVE_IPS,
  LOOKUP_SERVICE,
  REFUSING_IP,
  SHORT_SERVICE,
  FIXED_PORT_SERVICE,
  AFFINITY_SERVICE,
  STREAM_SERVICE,
} from '../soak-services.js'
import { ChurnLoop } from './churn-loop.js'

const PAUSE_MS = 300
const PICKED_COUNT = 3

/** The Services whose endpoints are replaced, in turn. */
const CHURNED_SERVICES: readonly BenchService[] = [
  PERSISTENT_SERVICE,
  SHORT_SERVICE,
  STREAM_SERVICE,
  LOOKUP_SERVICE,
  FIXED_PORT_SERVICE,
  AFFINITY_SERVICE,
]

/** Gives one of the Services other endpoints every 300 ms. */
export class EndpointReplacementLoop extends ChurnLoop {
  readonly #api: BenchApi

  constructor(api: BenchApi) {
    super()
    this.#api = api
  }

  protected override async runOnce(n: number): Promise<void> {
    const service = CHURNED_SERVICES[n % CHURNED_SERVICES.length]!
    await this.#api.put(
      makeEndpointObjects(service, endpointsForTurn(service, Math.floor(n / CHURNED_SERVICES.length))),
    )
    await this.pause(PAUSE_MS)
  }
}

/** One endpoint always answers. For Services with one connection per request, another one often refuses. */
function endpointsForTurn(service: BenchService, turn: number): readonly string[] {
  const refusing = turn % 3 !== 0 && (service === SHORT_SERVICE || service === LOOKUP_SERVICE) ? [REFUSING_IP] : []
  if (service === AFFINITY_SERVICE || service === LOOKUP_SERVICE) {
    const others = LIVE_IPS.filter(ip => !PERMANENT_IPS.includes(ip))
    return [...PERMANENT_IPS, others[turn % others.length]!, ...refusing]
  }
  const picked = Array.from(
    { length: PICKED_COUNT },
    (_, i) => LIVE_IPS[(turn * 5 + i * (1 + (turn % 2))) % LIVE_IPS.length]!,
  )
  return [...picked, ...refusing]
}

import { endpointObjectsOf } from '../../site/api-objects-of.js'
import { type BenchApi } from '../../site/bench-api.js'
import { type BenchService } from '../../site/bench-service.js'
import { KEPT, LASTING_IPS, LIVE_IPS, LOOKUP, REFUSING_IP, SHORT, STEADY, STICKY, STREAM } from '../soak-services.js'
import { Change } from './change.js'

const PAUSE_MS = 300
const PICKED = 3

/** Those whose endpoints are replaced, in turn. */
const CHURNED: readonly BenchService[] = [KEPT, SHORT, STREAM, LOOKUP, STEADY, STICKY]

/** Every 300 ms one of the Services gets other endpoints. */
export class EndpointsChange extends Change {
  readonly #api: BenchApi

  constructor(api: BenchApi) {
    super()
    this.#api = api
  }

  protected override async once(n: number): Promise<void> {
    const service = CHURNED[n % CHURNED.length]!
    await this.#api.put(endpointObjectsOf(service, endpointsOf(service, Math.floor(n / CHURNED.length))))
    await this.pause(PAUSE_MS)
  }
}

/** There is always one that answers. Where each request has a way of its own, there is often one that refuses too. */
function endpointsOf(service: BenchService, turn: number): readonly string[] {
  const refusing = turn % 3 !== 0 && (service === SHORT || service === LOOKUP) ? [REFUSING_IP] : []
  if (service === STICKY || service === LOOKUP) {
    const others = LIVE_IPS.filter(ip => !LASTING_IPS.includes(ip))
    return [...LASTING_IPS, others[turn % others.length]!, ...refusing]
  }
  const picked = Array.from(
    { length: PICKED },
    (_, i) => LIVE_IPS[(turn * 5 + i * (1 + (turn % 2))) % LIVE_IPS.length]!,
  )
  return [...picked, ...refusing]
}

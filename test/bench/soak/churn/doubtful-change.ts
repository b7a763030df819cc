import { endpointObjectsOf } from '../../site/api-objects-of.js'
import { type BenchApi } from '../../site/bench-api.js'
import { DOUBTFUL, LIVE_IPS, REFUSING_IP, SILENT_IP } from '../soak-services.js'
import { Change } from './change.js'

const PAUSE_MS = 5000
const LIVE_IP = LIVE_IPS[0]!
const SETS: readonly (readonly string[])[] = [
  [LIVE_IP],
  [LIVE_IP, REFUSING_IP],
  [REFUSING_IP],
  [LIVE_IP, SILENT_IP],
  [SILENT_IP],
  [REFUSING_IP, SILENT_IP],
]

/** The endpoints of one Service die in one way after the other. */
export class DoubtfulChange extends Change {
  readonly #api: BenchApi

  constructor(api: BenchApi) {
    super()
    this.#api = api
  }

  protected override async once(n: number): Promise<void> {
    await this.#api.put(endpointObjectsOf(DOUBTFUL, SETS[n % SETS.length]!))
    await this.pause(PAUSE_MS)
  }
}

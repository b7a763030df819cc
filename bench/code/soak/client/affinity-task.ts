import { PERMANENT_IPS, AFFINITY_SERVICE } from '../soak-services.js'
import { echoOnce } from './echo-once.js'
import { type RepeatedTask } from './repeated-task.js'
import { type TallyRecorder } from './tally.js'

/** One client of the Service with affinity: while its Pod is an endpoint, no other Pod may answer. */
export class AffinityTask implements RepeatedTask {
  readonly pauseMs = 1000
  readonly #tallies: TallyRecorder
  readonly #localAddress: string
  #pod: string | undefined

  constructor(book: TallyRecorder, localAddress: string) {
    this.#tallies = book
    this.#localAddress = localAddress
  }

  async runOnce(): Promise<void> {
    await this.#tallies.count('affinity', async () => {
      const before = this.#pod
      this.#pod = await echoOnce(AFFINITY_SERVICE, { localAddress: this.#localAddress })
      if (before !== undefined && this.#pod !== before && PERMANENT_IPS.includes(before))
        throw new Error('another Pod answered although the one before is still an endpoint')
    })
  }
}

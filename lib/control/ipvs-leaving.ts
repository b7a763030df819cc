import { type IpFamily } from '../model/address.js'
import { type Log } from '../model/log.js'
import { type SyncRecord } from '../observe/sync-record.js'

/**
 * Takes away what ipvs mode left on this node once the rules of another mode stand, in every family: until then its virtual
 * servers serve. Once; what fails then is for `--cleanup`.
 */
export class IpvsLeaving implements Pick<SyncRecord, 'rulesWritten'> {
  readonly #awaited: Set<IpFamily>
  readonly #leave: () => Promise<boolean>
  readonly #log: Log

  /** @param leave takes it away; says whether there was anything */
  constructor(families: readonly IpFamily[], leave: () => Promise<boolean>, log: Log) {
    this.#awaited = new Set(families)
    this.#leave = leave
    this.#log = log
  }

  rulesWritten(family: IpFamily): void {
    if (!this.#awaited.delete(family) || this.#awaited.size > 0) return
    this.#leave().then(
      wasThere => wasThere && this.#log.info(0, 'Removed what ipvs mode had left'),
      error =>
        this.#log.error('Cannot remove what ipvs mode has left: kube-proxy --cleanup may say why, or do it', error),
    )
  }
}

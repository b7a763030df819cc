import { FrontendTable } from '../../../lib/frontends/frontend-table.js'
import { LocalAddresses } from '../../../lib/model/local-addresses.js'
import { type ServiceSnapshot } from '../../../lib/model/snapshot.js'
import { type Proxier } from '../../../lib/modes/proxier.js'
import { type MemoryFamily } from './family.js'

const NO_ADDRESSES = new LocalAddresses([])

/** Resolves frontends and passes them to the families. */
export class MemoryModeProxier implements Proxier {
  readonly rules: readonly MemoryFamily[]
  readonly #frontendTable = new FrontendTable(() => NO_ADDRESSES)

  constructor(families: readonly MemoryFamily[]) {
    this.rules = families
  }

  async start(): Promise<void> {
    for (const family of this.rules) await family.start()
  }

  update(snapshot: ServiceSnapshot): Promise<{ failed: number }> {
    const { snapshot: filtered, frontends } = this.#frontendTable.resolve(snapshot)
    for (const family of this.rules) family.setDesired(filtered, frontends)
    return Promise.resolve({ failed: 0 })
  }
}

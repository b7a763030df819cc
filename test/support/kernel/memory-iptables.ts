import { type IpFamily } from '../../../lib/model/address.js'
import { type ObservedRules, parseIptablesSave } from '../../../lib/netfilter/iptables-save.js'
import { type Iptables } from '../../../lib/system/iptables.js'
import { MemoryTables } from './memory-tables.js'

/** The rules of one IP family, in memory. */
export class MemoryIptables implements Iptables {
  readonly family: IpFamily
  /** Few, so that the proxy writes in several batches here too. */
  readonly maxChainsPerRestore = 2
  readonly tables: MemoryTables
  /** Number of writes. */
  writes = 0

  /** @param hasSet whether the kernel has a set of that name; without it there are no sets */
  constructor(family: IpFamily, hasSet?: (name: string) => boolean) {
    this.family = family
    this.tables = new MemoryTables(hasSet)
  }

  read(tables: Iterable<string>): Promise<ObservedRules> {
    const found = parseIptablesSave(this.tables.save())
    return Promise.resolve(new Map([...tables].map(name => [name, found.get(name)!])))
  }

  restore(text: string): Promise<void> {
    this.writes++
    this.tables.restore(text)
    return Promise.resolve()
  }
}

import { type IpFamily } from '../../lib/model/address.js'
import { type FoundChain, type FoundRules, parseSaveText } from '../../lib/rules/found-rules.js'
import { type Iptables } from '../../lib/system/iptables.js'
import { KernelRules } from './kernel-rules.js'

/** The rules of one IP family, in memory. */
export class MemoryIptables implements Iptables {
  readonly family: IpFamily
  /** Few, so that what is written in portions is so here too. */
  readonly chainsAtOnce = 2
  readonly kernel: KernelRules
  /** How often anything was written. */
  writes = 0

  /** @param hasSet whether the kernel has a set of that name; left out: it has none */
  constructor(family: IpFamily, hasSet?: (name: string) => boolean) {
    this.family = family
    this.kernel = new KernelRules(hasSet)
  }

  read(tables: Iterable<string>): Promise<FoundRules> {
    const found = parseSaveText(this.kernel.save())
    return Promise.resolve(new Map([...tables].map(name => [name, found.get(name)!])))
  }

  readChain(table: string, chain: string): Promise<FoundChain | 'absent'> {
    return Promise.resolve(this.kernel.chain(table, chain) ?? 'absent')
  }

  restore(text: string): Promise<void> {
    this.writes++
    this.kernel.restore(text)
    return Promise.resolve()
  }
}

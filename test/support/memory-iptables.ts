import { type IpFamily } from '../../lib/model/address.js'
import { type FoundChain, type FoundRules, parseSaveText } from '../../lib/rules/found-rules.js'
import { type Iptables } from '../../lib/system/iptables.js'
import { KernelRules } from './kernel-rules.js'

/** The rules of one IP family, in memory. */
export class MemoryIptables implements Iptables {
  readonly family: IpFamily
  /** Few, so that what is written in portions is so here too. */
  readonly chainsAtOnce = 2
  readonly kernel = new KernelRules()

  constructor(family: IpFamily) {
    this.family = family
  }

  read(tables: Iterable<string>): Promise<FoundRules> {
    const found = parseSaveText(this.kernel.save())
    return Promise.resolve(new Map([...tables].map(name => [name, found.get(name)!])))
  }

  readChain(table: string, chain: string): Promise<FoundChain | 'absent'> {
    return Promise.resolve(this.kernel.chain(table, chain) ?? 'absent')
  }

  restore(text: string): Promise<void> {
    this.kernel.restore(text)
    return Promise.resolve()
  }
}

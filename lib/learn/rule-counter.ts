import { packetsTo, readChain } from '../ask/read-chain.js'
import { type Counter } from './lesson.js'

/** The rule of a chain for an address and port: it counts the first packet of each connection. */
export function ruleCounter(chain: string, address: string, port: number, table: 'nat' | 'filter' = 'nat'): Counter {
  const target = address === ANY ? `:${port}` : `${address}:${port}`
  return {
    name: {
      en: `packets that the rule for ${target} in ${chain} has counted`,
      ko: `${chain}에 있는 ${target}의 규칙이 센 패킷`,
    },
    async read(lab) {
      const { ran, rules } = await readChain(lab, chain, table)
      return { ran, value: packetsTo(rules, address, port) }
    },
  }
}

/** The address of a rule for every address of the node. */
export const ANY = '0.0.0.0/0'

import { type Pod } from '../demo/cluster-objects.js'
import { type Lab } from './lab.js'
import { readChain } from './read-chain.js'

/** The name of the chain of iptables mode that sends to a Pod. @param serviceChain that leads to it @throws Error if none does */
export async function findEndpointChain(lab: Lab, serviceChain: string, { name, ip }: Pod): Promise<string> {
  const { rules } = await readChain(lab, serviceChain)
  for (const { text } of rules) {
    const chain = /^KUBE-SEP-\S+/.exec(text)?.[0]
    if (chain === undefined) continue
    const endpoint = await readChain(lab, chain)
    if (endpoint.rules.some(rule => rule.text.startsWith('DNAT ') && rule.text.includes(` to:${ip}:`))) return chain
  }
  throw new Error(`${serviceChain} has no chain for ${name}, ${ip}`)
}

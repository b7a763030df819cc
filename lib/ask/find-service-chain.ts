import { type Lab } from './lab.js'
import { readChain } from './read-chain.js'

/** The name of the chain that chooses a Pod for the Service in iptables mode. @throws Error in another mode */
export async function findServiceChain(lab: Lab): Promise<string> {
  const { clusterIP } = lab.service
  const { rules } = await readChain(lab, 'KUBE-SERVICES')
  const pattern = new RegExp(`^(KUBE-SVC-\\S+).* ${clusterIP} `)
  const chain = rules.map(({ text }) => pattern.exec(text)?.[1]).find(name => name !== undefined)
  if (chain === undefined) throw new Error(`KUBE-SERVICES has no rule for ${clusterIP}`)
  return chain
}

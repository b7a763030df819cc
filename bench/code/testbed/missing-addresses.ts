import { type Testbed } from './testbed.js'

/**
 * Checks that each Service has a rule with its address in the chains for incoming traffic.
 * @param save the program that prints rules
 * @returns the problem, if any
 */
export async function findMissingAddresses(site: Testbed, services: number, save = 'iptables-save'): Promise<string[]> {
  const { stdout } = await site.network.node.run(save, ['-t', 'nat'], { timeoutMs: 60_000 })
  const found = new Set(stdout.match(/(?<=-d )10\.9[67]\.\d+\.\d+(?=\/32)/g)).size
  return found === services ? [] : [`rules for ${found} of ${services} addresses`]
}

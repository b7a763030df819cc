import { type IpFamily } from '../model/address.js'
import { BUILT_IN_CHAINS } from './chain-names.js'
import { type ObservedTable, optionValue, targetOf } from './iptables-save.js'
import { iptablesArgs } from './iptables-args.js'
import { LINK_COMMENTS } from './link-to-chain.js'
import { type TableRules } from './rule-set.js'

/** A rule of a chain of the kernel, as its arguments without `-A chain`. */
export interface ObservedLink {
  readonly chain: string
  readonly args: readonly string[]
}

const COMMENTS: ReadonlySet<string> = new Set(Object.values(LINK_COMMENTS))

/**
 * The jumps to chains of this program that it, another version of it or the original kube-proxy wrote, and that are no longer
 * desired: such as those of an older version that match other packets. Rules of an administrator have another comment, or none.
 */
export function obsoleteLinks(
  { chains, links }: TableRules,
  family: IpFamily,
  observed: ObservedTable,
): ObservedLink[] {
  const desired = new Set(links.map(({ chain, rule }) => toText(chain, iptablesArgs(rule, family))))
  const obsolete: ObservedLink[] = []
  for (const chain of BUILT_IN_CHAINS)
    for (const args of observed.get(chain) ?? [])
      if (isLink(args, chains) && !desired.has(toText(chain, args))) obsolete.push({ chain, args })
  return obsolete
}

function isLink(args: readonly string[], ownChains: Pick<ReadonlySet<string>, 'has'>): boolean {
  return ownChains.has(targetOf(args) ?? '') && COMMENTS.has(optionValue(args, '--comment') ?? '')
}

function toText(chain: string, args: readonly string[]): string {
  return JSON.stringify([chain, ...args])
}

import { type ObservedTable, targetOf } from '../../../lib/netfilter/iptables-save.js'
import { type OwnedChains, owns } from '../../../lib/netfilter/stale-chains.js'

/** The table that every mode has rules in. */
export const DAMAGED_TABLE = 'nat'
const LINK_CHAIN = 'PREROUTING'
/** A rule of another program that takes packets. */
const FOREIGN = ['-i', 'other0', '-j', 'ACCEPT']

/** What another program does to the rules of a mode. */
export interface RuleDamage {
  readonly name: string
  /** The lines of the table in the input of iptables-restore. */
  readonly lines: (place: DamagePlace) => readonly string[]
}

/** Where damages are done. */
interface DamagePlace {
  /** A chain of the mode with a rule. */
  readonly chain: string
  /** Its first rule, as an argument of `iptables`. */
  readonly rule: string
  readonly editedRule: string
  /** The first jump to a chain of the mode in PREROUTING. */
  readonly link: string
}

/** Every kind of damage to rules that a check has to repair. */
export const RULE_DAMAGES: readonly RuleDamage[] = [
  { name: 'a rule is deleted', lines: ({ chain, rule }) => [`-D ${chain} ${rule}`] },
  { name: 'a rule is added', lines: ({ chain }) => [`-I ${chain} 1 ${FOREIGN.join(' ')}`] },
  {
    name: 'a rule is edited',
    lines: ({ chain, rule, editedRule }) => [`-D ${chain} ${rule}`, `-I ${chain} 1 ${editedRule}`],
  },
  { name: 'a chain is flushed', lines: ({ chain }) => [`:${chain} - [0:0]`] },
  { name: 'a jump to a chain is deleted', lines: ({ link }) => [`-D ${LINK_CHAIN} ${link}`] },
  {
    name: 'a rule that takes packets is inserted above a jump',
    lines: () => [`-I ${LINK_CHAIN} 1 ${FOREIGN.join(' ')}`],
  },
  {
    name: 'a jump is moved below a rule that takes packets',
    lines: ({ link }) => [
      `-D ${LINK_CHAIN} ${link}`,
      `-A ${LINK_CHAIN} ${FOREIGN.join(' ')}`,
      `-A ${LINK_CHAIN} ${link}`,
    ],
  },
]

/** The input of iptables-restore that does a damage. */
export function damageInput({ lines }: RuleDamage, table: ObservedTable, own: OwnedChains): string {
  const [chain, rules] = [...table].find(([name, { length }]) => length > 0 && owns(own, DAMAGED_TABLE, name))!
  const [rule] = rules
  const edited = [...rule!.slice(0, rule!.indexOf('-j')), '-j', targetOf(rule!) === 'ACCEPT' ? 'RETURN' : 'ACCEPT']
  const link = table.get(LINK_CHAIN)!.find(each => owns(own, DAMAGED_TABLE, targetOf(each) ?? ''))!
  const place = { chain, rule: format(rule!), editedRule: format(edited), link: format(link) }
  return [`*${DAMAGED_TABLE}`, ...lines(place), 'COMMIT', ''].join('\n')
}

/** The rules by chain, in order, without what other programs may add below the jumps of a mode. */
export function rulesOfMode(table: ObservedTable, own: OwnedChains): Record<string, string[]> {
  const chains = [...table].map(([name, rules]): [string, string[]] => {
    const texts = rules.map(format)
    if (owns(own, DAMAGED_TABLE, name)) return [name, texts]
    const first = texts.findIndex(text => text !== FOREIGN.join(' '))
    return [name, first > 0 ? texts : texts.filter(text => text !== FOREIGN.join(' '))]
  })
  return Object.fromEntries(chains)
}

function format(args: readonly string[]): string {
  return args.map(arg => (/^[A-Za-z0-9_./:+@%,!-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ')
}

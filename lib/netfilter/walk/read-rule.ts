import { parseCidr } from '../../model/cidr.js'
import { readAction } from './read-action.js'
import { readMatch } from './read-match.js'
import { type ConditionQuestion, type ReadRule, type RuleCondition } from './rule-condition.js'
import { type RuleOption, optionText, ruleParts } from './rule-parts.js'

/** Rules are read once for all packets: while a rule exists, its arguments are the same array. */
const READ_RULES = new WeakMap<readonly string[], ReadRule>()

/** Reads the arguments of a rule, as `iptables-save` prints them. What it cannot read becomes a condition or action of that kind. */
export function readRule(args: readonly string[]): ReadRule {
  const known = READ_RULES.get(args)
  if (known !== undefined) return known
  const { general, matches, target, targetOptions } = ruleParts(args)
  const conditions: RuleCondition[] = general.map(readGeneral)
  let chance: number | undefined
  let comment: string | undefined
  for (const match of matches) {
    const read = readMatch(match)
    conditions.push(...read.conditions)
    chance = read.chance ?? chance
    comment = read.comment ?? comment
  }
  const rule = { conditions, chance, comment, action: readAction(target, targetOptions) }
  READ_RULES.set(args, rule)
  return rule
}

function readGeneral(option: RuleOption): RuleCondition {
  const question = generalQuestion(option)
  if (question !== undefined) return { ...question, isNegated: option.isNegated }
  return { kind: 'unreadable', text: optionText(option), isNegated: false }
}

function generalQuestion({ name, values: [value = ''] }: RuleOption): ConditionQuestion | undefined {
  switch (name) {
    case '-s':
    case '-d': {
      const range = parseCidr(value)
      return range && { kind: name === '-s' ? 'source' : 'destination', range }
    }
    case '-i':
      return { kind: 'in interface', name: value }
    case '-o':
      return { kind: 'out interface', name: value }
    case '-p':
      return { kind: 'protocol', protocol: PROTOCOL_NUMBERS.get(value) ?? value }
    case '-f':
      return { kind: 'fragment' }
    default:
      return undefined
  }
}

const PROTOCOL_NUMBERS: ReadonlyMap<string, string> = new Map(
  Object.entries({ 6: 'tcp', 17: 'udp', 132: 'sctp', 0: 'all' }),
)

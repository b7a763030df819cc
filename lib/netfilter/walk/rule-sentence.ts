import { type IpAddress, hostPort } from '../../model/address.js'
import { type Cidr } from '../../model/cidr.js'
import { type PortRange } from '../../model/port-range.js'
import { readRule } from './read-rule.js'
import { type ConditionQuestion, type ReadRule, type RuleAction, type RuleCondition } from './rule-condition.js'

/**
 * Says in a sentence what a rule does: `TCP packets to 10.96.0.10 port 80 go to chain KUBE-SVC-X.` It is made of the fields of the
 * rule, so it is true of the rules of any program.
 * @param isChain whether the table has a chain of that name
 */
export function ruleSentence(args: readonly string[], isChain: (name: string) => boolean = () => true): string {
  const rule = readRule(args)
  return `${subject(rule)} ${actionPhrase(rule.action, isChain)}.`
}

/** Which packets a rule is about. */
function subject({ conditions, chance }: ReadRule): string {
  const protocol = conditions.find(condition => condition.kind === 'protocol')
  const others = conditions.filter(condition => condition !== protocol).sort(byOrder)
  const hasDestination = conditions.some(({ kind, isNegated }) => kind === 'destination' && !isNegated)
  const phrases = others.map(condition => {
    const phrase = conditionPhrase(condition)
    return condition.kind === 'destination port' && !hasDestination ? `to ${phrase}` : phrase
  })
  const packets = protocol === undefined ? 'packets' : protocolPhrase(protocol)
  const share = chance === undefined ? 'all' : `at random, ${formatChance(chance)} of the`
  const isPlainAll = chance === undefined && (phrases.length > 0 || protocol !== undefined)
  const text = [isPlainAll ? packets : `${share} ${packets}`, joinPhrases(phrases)]
    .filter(part => part !== '')
    .join(' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The order in which a reader expects the conditions; all others follow. */
const ORDER: readonly ConditionQuestion['kind'][] = [
  ...(['source', 'source range', 'source type', 'source port', 'in interface', 'bridge port'] as const),
  ...(['destination', 'destination range', 'destination type', 'destination port', 'either port'] as const),
  ...(['out interface', 'original destination', 'original port'] as const),
]

function byOrder(a: RuleCondition, b: RuleCondition): number {
  return rank(a) - rank(b)
}

function rank({ kind }: RuleCondition): number {
  const index = ORDER.indexOf(kind)
  return index < 0 ? ORDER.length : index
}

function joinPhrases(phrases: readonly string[]): string {
  return phrases.join(', ').replace(/, (?=port |ports )/g, ' ')
}

function protocolPhrase({ protocol, isNegated }: RuleCondition & { readonly kind: 'protocol' }): string {
  const name = protocol.toUpperCase()
  return isNegated ? `packets of any protocol but ${name}` : `${name} packets`
}

function conditionPhrase(condition: RuleCondition): string {
  const { isNegated: no } = condition
  switch (condition.kind) {
    case 'source':
      return no ? `from outside ${rangeText(condition.range)}` : `from ${rangeText(condition.range)}`
    case 'destination':
      return no ? `not to ${rangeText(condition.range)}` : `to ${rangeText(condition.range)}`
    case 'source range':
      return `${no ? 'from outside' : 'from'} ${condition.first} to ${condition.last}`
    case 'destination range':
      return `${no ? 'not to' : 'to'} an address from ${condition.first} to ${condition.last}`
    case 'in interface':
      return `that ${no ? 'did not come' : 'came'} in by ${interfaceText(condition.name)}`
    case 'out interface':
      return `that ${no ? 'do not leave' : 'leave'} by ${interfaceText(condition.name)}`
    case 'protocol':
      return protocolPhrase(condition)
    case 'source port':
      return `${no ? 'not from' : 'from'} ${portsText(condition.ranges)}`
    case 'destination port':
      return `${no ? 'not ' : ''}${portsText(condition.ranges)}`
    case 'either port':
      return `${no ? 'neither from nor to' : 'from or to'} ${portsText(condition.ranges)}`
    case 'source type':
      return `${no ? 'not from' : 'from'} ${typesText(condition.types)}`
    case 'destination type':
      return `${no ? 'not to' : 'to'} ${typesText(condition.types)}`
    case 'connection':
      return connectionPhrase(condition.states, no)
    case 'original destination':
      return `that the client ${no ? 'did not send' : 'sent'} to ${rangeText(condition.range)}`
    case 'original port':
      return `that the client ${no ? 'did not send' : 'sent'} to ${portsText(condition.ranges)}`
    case 'mark':
      return `${no ? 'without' : 'with'} mark ${markText(condition)}`
    case 'connection mark':
      return `of connections ${no ? 'without' : 'with'} mark ${markText(condition)}`
    case 'set':
      return `whose ${fieldsText(condition.fields)} ${no ? 'is not' : 'is'} in set ${condition.name}`
    case 'recent':
      return recentPhrase(condition)
    case 'TCP flags':
      return flagsPhrase(condition, no)
    case 'bridge port':
      return `that ${no ? 'did not come' : 'came'} in by a port of a bridge`
    case 'fragment':
      return no ? 'that are no later fragments' : 'that are later fragments'
    case 'unreadable':
      return `that meet "${condition.text}"`
  }
}

function rangeText({ family, network, bits }: Cidr): string {
  return bits === (family === 'IPv4' ? 32 : 128) ? network : `${network}/${bits}`
}

function interfaceText(name: string): string {
  return name.endsWith('+') ? `an interface ${name.slice(0, -1)}…` : name
}

function portsText(ranges: readonly PortRange[]): string {
  const isOne = ranges.length === 1 && ranges[0]!.first === ranges[0]!.last
  const texts = ranges.map(({ first, last }) => (first === last ? String(first) : `${first} to ${last}`))
  return `${isOne ? 'port' : 'ports'} ${texts.join(', ')}`
}

function typesText(types: readonly string[]): string {
  if (types.length === 1 && types[0] === 'LOCAL') return 'an address of this node'
  return `a ${types.map(type => type.toLowerCase()).join(' or ')} address`
}

const STATE_PHRASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    NEW: 'that open a connection',
    ESTABLISHED: 'of a known connection',
    RELATED: 'related to a known connection',
    INVALID: 'of no valid connection',
    UNTRACKED: 'without connection tracking',
    DNAT: 'whose destination was translated',
    SNAT: 'whose source was translated',
  }),
)

function connectionPhrase(states: readonly string[], isNegated: boolean): string {
  const phrases = states.map(state => STATE_PHRASES.get(state) ?? `in state ${state}`)
  return isNegated ? `except those ${phrases.join(' or ')}` : phrases.join(' or ')
}

function markText({ value, mask }: { readonly value: number; readonly mask: number }): string {
  const hex = (bits: number): string => `0x${bits.toString(16)}`
  return mask === value || mask === 0xffff_ffff ? hex(value) : `${hex(value)}/${hex(mask)}`
}

/** `dst,dst` are the address and the port of the destination. */
function fieldsText(fields: readonly string[]): string {
  const names = fields.map(field => (field === 'dst' ? 'destination' : field === 'src' ? 'source' : field))
  return [...new Set(names)].join(' with ')
}

function recentPhrase({
  action,
  list,
  seconds,
  isNegated,
}: Extract<RuleCondition, { readonly kind: 'recent' }>): string {
  if (action === 'set') return `(whose sender the kernel adds to list ${list})`
  const age = seconds === undefined ? '' : ` since less than ${seconds} s`
  return `whose sender ${isNegated ? 'is not' : 'is'} in list ${list}${age}`
}

function flagsPhrase(
  { mask, set }: Extract<RuleCondition, { readonly kind: 'TCP flags' }>,
  isNegated: boolean,
): string {
  const wanted =
    set.length === 0 ? `none of the flags ${mask.join(', ')}` : `of ${mask.join(', ')} only ${set.join(', ')}`
  return `${isNegated ? 'except those with' : 'with'} ${wanted}`
}

function actionPhrase(action: RuleAction, isChain: (name: string) => boolean): string {
  switch (action.kind) {
    case 'jump':
      return isChain(action.chain) ? `go to chain ${action.chain}` : `go to target ${action.chain}`
    case 'goto':
      return `go to chain ${action.chain} for good`
    case 'accept':
      return 'are accepted: no further rule of this table sees them'
    case 'drop':
      return 'are dropped: the sender gets no answer'
    case 'return':
      return 'go back to the chain before'
    case 'reject':
      return action.with === 'tcp-reset'
        ? 'are refused with a TCP reset'
        : `are refused with the ICMP message "${action.with.replace(/^icmp6?-/, '').replaceAll('-', ' ')}"`
    case 'translate destination':
      return `get the destination ${action.isOneOf ? 'one of those from ' : ''}${targetText(action.address, action.port)} (DNAT)`
    case 'redirect':
      return `get this node as destination${action.port === undefined ? '' : `, port ${action.port}`} (REDIRECT)`
    case 'translate source':
      return action.address === undefined
        ? 'get the address of this node as source (MASQUERADE)'
        : `get ${action.address} as source (SNAT)`
    case 'mark':
      return markPhrase(action)
    case 'connection mark':
      return `give their connection mark ${markText(action)}`
    case 'save mark':
      return 'give their mark to their connection'
    case 'restore mark':
      return 'get the mark of their connection'
    case 'do not track':
      return 'are not tracked: nothing translates them'
    case 'none':
      return action.name === undefined ? 'are only counted' : `go on (${action.name} changes no way)`
    case 'unreadable':
      return `go to target ${action.name}, which cannot be foreseen`
  }
}

function targetText(address: IpAddress | undefined, port: number | undefined): string {
  if (address === undefined) return `port ${port ?? ''}`
  return port === undefined ? address : hostPort(address, port)
}

/** `--set-xmark` with a mask of zero toggles bits. */
function markPhrase({ value, mask }: { readonly value: number; readonly mask: number }): string {
  const bits = `0x${(mask === 0 ? value : value & mask || mask).toString(16)}`
  if (mask === 0) return `get mark ${bits} toggled`
  return value === 0 ? `lose mark ${bits}` : `get mark ${bits}`
}

/** `1 in 3` where it is one, else a percentage. */
export function formatChance(chance: number): string {
  const oneIn = 1 / chance
  const rounded = Math.round(oneIn)
  return Math.abs(oneIn - rounded) < 0.001 * oneIn && rounded > 0 ? `1 in ${rounded}` : `${(100 * chance).toFixed(1)}%`
}

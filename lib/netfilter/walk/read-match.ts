import { familyOf } from '../../model/address.js'
import { parseCidr } from '../../model/cidr.js'
import { type PortRange } from '../../model/port-range.js'
import { type ConditionQuestion, type RuleCondition } from './rule-condition.js'
import { type RuleMatch, type RuleOption, optionText } from './rule-parts.js'

/** What a match says. */
export interface ReadMatch {
  readonly conditions: readonly RuleCondition[]
  readonly chance?: number
  readonly comment?: string
}

/** Reads a match. A match that has an option which cannot be read is one condition that cannot be read. */
export function readMatch(match: RuleMatch): ReadMatch {
  switch (match.module) {
    case 'comment':
      return { conditions: [], comment: match.options[0]?.values[0] ?? '' }
    case 'statistic': {
      const chance = readChance(match)
      return chance === undefined ? unreadable(match) : { conditions: [], chance }
    }
    case 'recent': {
      const condition = readRecent(match)
      return condition === undefined ? unreadable(match) : { conditions: [condition] }
    }
    default: {
      const read = QUESTIONS.get(match.module)
      if (read === undefined) return unreadable(match)
      const conditions: RuleCondition[] = []
      for (const option of match.options) {
        const question = read(option)
        if (question === undefined) return unreadable(match)
        if (question !== 'nothing') conditions.push({ ...question, isNegated: option.isNegated })
      }
      return { conditions }
    }
  }
}

function unreadable({ module, options }: RuleMatch): ReadMatch {
  const text = [`-m ${module}`, ...options.map(optionText)].join(' ')
  return { conditions: [{ kind: 'unreadable', text, isNegated: false }] }
}

function readChance({ options }: RuleMatch): number | undefined {
  if (options.some(({ isNegated }) => isNegated)) return undefined
  const mode = valueOf(options, '--mode')
  const chance = mode === 'random' ? Number(valueOf(options, '--probability')) : 1 / Number(valueOf(options, '--every'))
  return chance >= 0 && chance <= 1 ? chance : undefined
}

const RECENT_ACTIONS: ReadonlyMap<string, 'set' | 'check' | 'update' | 'remove'> = new Map([
  ['--set', 'set'],
  ['--rcheck', 'check'],
  ['--update', 'update'],
  ['--remove', 'remove'],
])
const RECENT_OPTIONS = ['--seconds', '--reap', '--name', '--mask', '--rsource']

function readRecent({ options }: RuleMatch): RuleCondition | undefined {
  const option = options.find(({ name }) => RECENT_ACTIONS.has(name))
  const action = option && RECENT_ACTIONS.get(option.name)
  const list = valueOf(options, '--name')
  const others = options.filter(({ name }) => !RECENT_ACTIONS.has(name))
  // Rules may count hits, or remember destinations.
  if (!action || list === undefined || !others.every(({ name }) => RECENT_OPTIONS.includes(name))) return undefined
  const seconds = valueOf(options, '--seconds')
  return {
    kind: 'recent',
    action,
    list,
    seconds: seconds === undefined ? undefined : Number(seconds),
    isNegated: option.isNegated,
  }
}

type ReadQuestion = (option: RuleOption) => ConditionQuestion | 'nothing' | undefined

const ports: ReadQuestion = ({ name, values: [value = ''] }) => {
  const ranges = readPortRanges(value)
  const kind = PORT_OPTIONS.get(name)
  return ranges === undefined || kind === undefined ? undefined : { kind, ranges }
}

const PORT_OPTIONS: ReadonlyMap<string, 'source port' | 'destination port' | 'either port'> = new Map(
  Object.entries({
    '--sport': 'source port',
    '--sports': 'source port',
    '--dport': 'destination port',
    '--dports': 'destination port',
    '--ports': 'either port',
  }),
)

const states: ReadQuestion = ({ name, values: [value = ''] }) => {
  switch (name) {
    case '--ctstate':
    case '--state':
      return { kind: 'connection', states: value.split(',') }
    case '--ctorigdst': {
      const range = parseCidr(value.includes('/') ? value : `${value}/${familyOf(value) === 'IPv4' ? 32 : 128}`)
      return range && { kind: 'original destination', range }
    }
    case '--ctorigdstport': {
      const ranges = readPortRanges(value)
      return ranges && { kind: 'original port', ranges }
    }
    default:
      return undefined
  }
}

const marks =
  (kind: 'mark' | 'connection mark'): ReadQuestion =>
  ({ name, values: [value = ''] }) => {
    const [bits = NaN, mask = 0xffff_ffff] = value.split('/').map(Number)
    return name === '--mark' && Number.isInteger(bits) ? { kind, value: bits, mask } : undefined
  }

/** How to read an option of a match, by the name of the match. */
const QUESTIONS: ReadonlyMap<string, ReadQuestion> = new Map(
  Object.entries({
    tcp: option => {
      if (option.name !== '--tcp-flags') return ports(option)
      const [mask = '', set = ''] = option.values
      return { kind: 'TCP flags', mask: flagNames(mask), set: flagNames(set) }
    },
    udp: ports,
    sctp: ports,
    dccp: ports,
    multiport: ports,
    conntrack: states,
    state: states,
    mark: marks('mark'),
    connmark: marks('connection mark'),
    addrtype: ({ name, values: [value = ''] }) => {
      const kind = name === '--src-type' ? 'source type' : name === '--dst-type' ? 'destination type' : undefined
      return kind && { kind, types: value.split(',') }
    },
    iprange: ({ name, values: [value = ''] }) => {
      const [first = '', last = first] = value.split('-')
      const kind = name === '--src-range' ? 'source range' : name === '--dst-range' ? 'destination range' : undefined
      return kind && { kind, first, last }
    },
    physdev: ({ name }) => (name === '--physdev-is-in' ? { kind: 'bridge port' } : undefined),
    set: ({ name, values: [set = '', fields = ''] }) =>
      name === '--match-set' ? { kind: 'set', name: set, fields: fields.split(',') } : undefined,
  }),
)

function flagNames(text: string): readonly string[] {
  if (text === 'ALL') return ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG']
  return text === 'NONE' ? [] : text.split(',')
}

/** Reads `80`, `80:90`, `80,90:99`. */
function readPortRanges(text: string): readonly PortRange[] | undefined {
  const ranges = text.split(',').map(part => {
    const [first = NaN, last = first] = part.split(':').map(Number)
    return { first, last }
  })
  return ranges.every(({ first, last }) => Number.isInteger(first) && Number.isInteger(last)) ? ranges : undefined
}

/** The first value of an option, if it is there. */
function valueOf(options: readonly RuleOption[], name: string): string | undefined {
  return options.find(option => option.name === name)?.values[0]
}

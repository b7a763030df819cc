/** One option of a rule with its values. */
export interface RuleOption {
  readonly isNegated: boolean
  /** With its dashes. */
  readonly name: string
  readonly values: readonly string[]
}

/** A match (`-m`) of a rule with its options. */
export interface RuleMatch {
  readonly module: string
  readonly options: readonly RuleOption[]
}

/** A rule in its parts. */
export interface RuleParts {
  /** The options before all matches: addresses, interfaces, protocol. */
  readonly general: readonly RuleOption[]
  readonly matches: readonly RuleMatch[]
  /** `-j` or `-g`; undefined: the rule only counts packets. */
  readonly target: RuleOption | undefined
  readonly targetOptions: readonly RuleOption[]
}

/** Options whose value may look like an option. All others take what stands before the next option. */
const TEXT_OPTIONS: ReadonlySet<string> = new Set(['--comment', '--log-prefix', '--nflog-prefix', '--string'])

/** Takes a rule apart, as `iptables-save` prints it. It needs to know no match: a value never begins with a dash. */
export function ruleParts(args: readonly string[]): RuleParts {
  const general: RuleOption[] = []
  const matches: { readonly module: string; readonly options: RuleOption[] }[] = []
  const targetOptions: RuleOption[] = []
  let target: RuleOption | undefined
  for (const option of ruleOptions(args)) {
    if (option.name === '-j' || option.name === '-g') target = option
    else if (target !== undefined) targetOptions.push(option)
    else if (option.name === '-m') matches.push({ module: option.values[0] ?? '', options: [] })
    else if (matches.length === 0 || /^-[a-z]$/.test(option.name)) general.push(option)
    else matches.at(-1)!.options.push(option)
  }
  return { general, matches, target, targetOptions }
}

function ruleOptions(args: readonly string[]): RuleOption[] {
  const options: RuleOption[] = []
  let index = 0
  while (index < args.length) {
    const isNegated = args[index] === '!'
    if (isNegated) index++
    const name = args[index++] ?? ''
    const values: string[] = []
    if (TEXT_OPTIONS.has(name)) values.push(args[index++] ?? '')
    while (index < args.length && args[index] !== '!' && !args[index]!.startsWith('-')) values.push(args[index++]!)
    options.push({ isNegated, name, values })
  }
  return options
}

/** A rule as one line, with quotes where they are needed. */
export function ruleText(args: readonly string[]): string {
  return args.map(arg => (/^[\w./:,!+-]+$/.test(arg) ? arg : `"${arg.replace(/["\\]/g, '\\$&')}"`)).join(' ')
}

/** The text of an option, as in the rule. */
export function optionText({ isNegated, name, values }: RuleOption): string {
  return ruleText([...(isNegated ? ['!'] : []), name, ...values])
}

/** The text of a rule in its chain, as `iptables-save` prints it. */
export function ruleLine({ chain, args }: { readonly chain: string; readonly args: readonly string[] }): string {
  return `-A ${chain} ${ruleText(args)}`
}

import { type IpFamily } from '../model/address.js'
import { type Rule, type RuleTarget } from './rule-set.js'

/** One match, target or table of the kernel, and a rule that needs nothing else. */
export interface KernelFeature {
  /** The words of an iptables rule: `-m comment`, `-j DNAT`, `-t nat`. */
  readonly name: string
  /** The kernel options that provide it: all of them are needed. */
  readonly kernelOptions: readonly string[]
  /** The module that has it, unless it is built into the kernel. */
  readonly module: string
  readonly table: string
  /** A rule to try it with. */
  readonly sample: Rule
}

/** Where rules are in the kernel: in the tables of nftables, or in those that iptables had before. */
export type RuleBackEnd = 'nft' | 'legacy'

type Requirement = Pick<KernelFeature, 'name' | 'kernelOptions' | 'module'>

const RETURN: RuleTarget = { kind: 'RETURN' }

/**
 * The features of the kernel that rules need, each once for each table: tables first, because nothing works without them. Options and
 * modules are those of Linux 3.x and later (net/netfilter/Kconfig, net/ipv4/netfilter/Kconfig, net/ipv6/netfilter/Kconfig); for nft,
 * those of 5.2 and later. nftables has no matches and targets of its own for these rules: it uses the same ones, through nft_compat.
 */
export function kernelFeatures(
  rules: Iterable<readonly [table: string, rules: readonly Rule[]]>,
  family: IpFamily,
  backEnd: RuleBackEnd,
): readonly KernelFeature[] {
  const features = new Map<string, KernelFeature>()
  const add = (table: string, requirement: Requirement, sample: Rule): void => {
    const key = `${table} ${requirement.name}`
    if (!features.has(key)) features.set(key, { ...requirement, table, sample })
  }
  const tables = [...rules]
  for (const [table] of tables) add(table, tableRequirement(table, family, backEnd), { target: RETURN })
  for (const [table, ofTable] of tables)
    for (const rule of ofTable)
      for (const [requirement, sample] of ruleRequirements(rule, family))
        add(table, backEnd === 'nft' ? throughNftables(requirement) : requirement, sample)
  return [...features.values()]
}

function tableRequirement(table: string, family: IpFamily, backEnd: RuleBackEnd): Requirement {
  const name = `-t ${table}`
  if (backEnd === 'nft') {
    const kernelOptions = ['CONFIG_NF_TABLES', `CONFIG_NF_TABLES_${family.toUpperCase()}`]
    return table === 'nat'
      ? { name, kernelOptions: [...kernelOptions, 'CONFIG_NFT_NAT'], module: 'nft_chain_nat' }
      : { name, kernelOptions, module: 'nf_tables' }
  }
  const [option, module] = family === 'IPv4' ? ['IP_NF', 'iptable'] : ['IP6_NF', 'ip6table']
  return { name, kernelOptions: [`CONFIG_${option}_${table.toUpperCase()}`], module: `${module}_${table}` }
}

function throughNftables({ kernelOptions, ...requirement }: Requirement): Requirement {
  return { ...requirement, kernelOptions: ['CONFIG_NFT_COMPAT', ...kernelOptions] }
}

function* ruleRequirements(rule: Rule, family: IpFamily): Generator<readonly [Requirement, Rule]> {
  const { not = {}, protocol } = rule
  if (rule.comment !== undefined) yield [match('comment'), { comment: rule.comment, target: RETURN }]
  const ports = rule.destinationPorts ?? rule.sourcePorts
  if (ports !== undefined && protocol !== undefined)
    yield [match('multiport'), { protocol, destinationPorts: ports, target: RETURN }]
  const connection = rule.connection ?? not.connection
  if (connection !== undefined) yield [match('conntrack'), { connection, target: RETURN }]
  if ([rule, not].some(({ fromThisNode, toThisNode }) => fromThisNode === true || toThisNode === true))
    yield [match('addrtype'), { fromThisNode: true, target: RETURN }]
  const mark = rule.mark ?? not.mark
  if (mark !== undefined)
    yield [
      { name: '-m mark', kernelOptions: ['CONFIG_NETFILTER_XT_MARK'], module: 'xt_mark' },
      { mark, target: RETURN },
    ]
  if (rule.oneIn !== undefined) yield [match('statistic'), { oneIn: rule.oneIn, target: RETURN }]
  if (rule.recent !== undefined) yield [match('recent'), { recent: rule.recent, target: RETURN }]
  const requirement = targetRequirement(rule.target, family)
  if (requirement !== undefined)
    yield [requirement, { ...(protocol !== undefined && { protocol }), target: rule.target }]
}

function match(name: string): Requirement {
  return {
    name: `-m ${name}`,
    kernelOptions: [`CONFIG_NETFILTER_XT_MATCH_${name.toUpperCase()}`],
    module: `xt_${name}`,
  }
}

/** Undefined for targets that every kernel with iptables has. */
function targetRequirement({ kind }: RuleTarget, family: IpFamily): Requirement | undefined {
  const name = `-j ${kind}`
  switch (kind) {
    case 'DNAT':
      return { name, kernelOptions: ['CONFIG_NETFILTER_XT_NAT'], module: 'xt_nat' }
    case 'REDIRECT':
    case 'MASQUERADE':
      return { name, kernelOptions: [`CONFIG_NETFILTER_XT_TARGET_${kind}`], module: `xt_${kind}` }
    case 'MARK':
      return { name, kernelOptions: ['CONFIG_NETFILTER_XT_MARK'], module: 'xt_mark' }
    case 'REJECT':
      return family === 'IPv4'
        ? { name, kernelOptions: ['CONFIG_IP_NF_TARGET_REJECT'], module: 'ipt_REJECT' }
        : { name, kernelOptions: ['CONFIG_IP6_NF_TARGET_REJECT'], module: 'ip6t_REJECT' }
    case 'jump':
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return undefined
  }
}

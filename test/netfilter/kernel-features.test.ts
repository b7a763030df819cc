import t from 'tap'
import { type IpFamily } from '../../lib/model/address.js'
import { type KernelFeature, type RuleBackEnd, kernelFeatures } from '../../lib/netfilter/kernel-features.js'
import { type Rule } from '../../lib/netfilter/rule-set.js'

const ACCEPT = { kind: 'ACCEPT' } as const

/** Name, options and module of each feature of a rule in table nat, except for the table itself. */
function featuresOf(rule: Rule, family: IpFamily = 'IPv4', backEnd: RuleBackEnd = 'legacy'): string[] {
  return kernelFeatures([['nat', [rule]]], family, backEnd)
    .slice(1)
    .map(({ name, kernelOptions, module }) => `${name} ${kernelOptions.join(' ')} ${module}`)
}

void t.test('Each match and target of a rule names the kernel option and the module that it needs', t => {
  const cases: readonly (readonly [rule: Rule, feature: string])[] = [
    [{ comment: 'x', target: ACCEPT }, '-m comment CONFIG_NETFILTER_XT_MATCH_COMMENT xt_comment'],
    [
      { protocol: 'TCP', destinationPorts: [1, 2], target: ACCEPT },
      '-m multiport CONFIG_NETFILTER_XT_MATCH_MULTIPORT xt_multiport',
    ],
    [{ connection: 'NEW', target: ACCEPT }, '-m conntrack CONFIG_NETFILTER_XT_MATCH_CONNTRACK xt_conntrack'],
    [{ not: { connection: 'NEW' }, target: ACCEPT }, '-m conntrack CONFIG_NETFILTER_XT_MATCH_CONNTRACK xt_conntrack'],
    [{ toThisNode: true, target: ACCEPT }, '-m addrtype CONFIG_NETFILTER_XT_MATCH_ADDRTYPE xt_addrtype'],
    [{ not: { fromThisNode: true }, target: ACCEPT }, '-m addrtype CONFIG_NETFILTER_XT_MATCH_ADDRTYPE xt_addrtype'],
    [{ mark: 1, target: ACCEPT }, '-m mark CONFIG_NETFILTER_XT_MARK xt_mark'],
    [{ oneIn: 2, target: ACCEPT }, '-m statistic CONFIG_NETFILTER_XT_MATCH_STATISTIC xt_statistic'],
    [{ recent: { list: 'x', action: 'set' }, target: ACCEPT }, '-m recent CONFIG_NETFILTER_XT_MATCH_RECENT xt_recent'],
    [
      { protocol: 'TCP', target: { kind: 'DNAT', address: '192.0.2.1', port: 1 } },
      '-j DNAT CONFIG_NETFILTER_XT_NAT xt_nat',
    ],
    [
      { protocol: 'UDP', target: { kind: 'REDIRECT', port: 1 } },
      '-j REDIRECT CONFIG_NETFILTER_XT_TARGET_REDIRECT xt_REDIRECT',
    ],
    [
      { target: { kind: 'MASQUERADE', randomPort: false } },
      '-j MASQUERADE CONFIG_NETFILTER_XT_TARGET_MASQUERADE xt_MASQUERADE',
    ],
    [{ target: { kind: 'MARK', operation: 'set', bits: 1 } }, '-j MARK CONFIG_NETFILTER_XT_MARK xt_mark'],
    [{ target: { kind: 'REJECT', with: 'port-unreachable' } }, '-j REJECT CONFIG_IP_NF_TARGET_REJECT ipt_REJECT'],
  ]
  for (const [rule, feature] of cases) {
    t.same(featuresOf(rule), [feature], feature)
    const throughNftables = feature.replace('CONFIG_', 'CONFIG_NFT_COMPAT CONFIG_')
    t.same(featuresOf(rule, 'IPv4', 'nft'), [throughNftables], throughNftables)
  }
  t.same(featuresOf({ target: { kind: 'REJECT', with: 'port-unreachable' } }, 'IPv6'), [
    '-j REJECT CONFIG_IP6_NF_TARGET_REJECT ip6t_REJECT',
  ])
  t.same(featuresOf({ source: '192.0.2.1', protocol: 'TCP', destinationPort: 80, target: ACCEPT }), [], 'no module')
  t.end()
})

void t.test('Tables come first, and each feature of a table comes once', t => {
  const rule: Rule = { comment: 'x', target: ACCEPT }
  const features = kernelFeatures(
    [
      ['nat', [rule, rule]],
      ['filter', [rule]],
    ],
    'IPv6',
    'legacy',
  )
  t.same(
    features.map(({ table, name, kernelOptions }) => [table, name, ...kernelOptions]),
    [
      ['nat', '-t nat', 'CONFIG_IP6_NF_NAT'],
      ['filter', '-t filter', 'CONFIG_IP6_NF_FILTER'],
      ['nat', '-m comment', 'CONFIG_NETFILTER_XT_MATCH_COMMENT'],
      ['filter', '-m comment', 'CONFIG_NETFILTER_XT_MATCH_COMMENT'],
    ],
  )
  t.end()
})

void t.test('Tables need the options and the module of the back end that has them', t => {
  const tablesOf = (family: IpFamily, backEnd: RuleBackEnd) =>
    ['nat', 'filter', 'mangle'].map(table => {
      const [{ kernelOptions, module }] = kernelFeatures([[table, []]], family, backEnd) as [KernelFeature]
      return [...kernelOptions, module].join(' ')
    })
  t.same(tablesOf('IPv4', 'legacy'), [
    'CONFIG_IP_NF_NAT iptable_nat',
    'CONFIG_IP_NF_FILTER iptable_filter',
    'CONFIG_IP_NF_MANGLE iptable_mangle',
  ])
  t.same(tablesOf('IPv4', 'nft'), [
    'CONFIG_NF_TABLES CONFIG_NF_TABLES_IPV4 CONFIG_NFT_NAT nft_chain_nat',
    'CONFIG_NF_TABLES CONFIG_NF_TABLES_IPV4 nf_tables',
    'CONFIG_NF_TABLES CONFIG_NF_TABLES_IPV4 nf_tables',
  ])
  t.same(tablesOf('IPv6', 'nft')[1], 'CONFIG_NF_TABLES CONFIG_NF_TABLES_IPV6 nf_tables')
  t.end()
})

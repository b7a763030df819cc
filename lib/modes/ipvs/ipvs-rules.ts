import { type IpFamily } from '../../model/address.js'
import { LOOPBACK } from '../../model/cidr.js'
import { LINK_COMMENTS, linkToChain, invalidSegmentLinks } from '../../netfilter/link-to-chain.js'
import { type Link, type Rule, type RuleSet, type TableRules } from '../../netfilter/rule-set.js'
import { IPVS_CHAIN_NAMES, IPVS_INVALID } from '../../netfilter/chain-names.js'
import { masqueradeRules } from '../masquerade-rules.js'
import { type RuleSettings } from '../rule-settings.js'
import { type LocalMatch } from '../../frontends/local-traffic.js'
import { NODE_PORT_SETS } from './set-entries.js'
import { type SetName, kernelSetName } from './set-names.js'

/** Invalid segments are dropped in iptables mode only. */
export type IpvsRuleSettings = Omit<RuleSettings, 'dropInvalid'>

/** The tables that ipvs mode has rules in. */
export const IPVS_TABLES: readonly string[] = [...IPVS_CHAIN_NAMES.keys()]

const ACCEPT = { kind: 'ACCEPT' } as const
const DROP = { kind: 'DROP' } as const
const RETURN = { kind: 'RETURN' } as const
const MARK_MASQ = jump('KUBE-MARK-MASQ')

/**
 * The rules around IPVS. IPVS itself translates destinations. Netfilter keeps packets away from IPVS and masquerades on the
 * way out:
 *
 *     nat     PREROUTING, OUTPUT ─▶ KUBE-SERVICES        marks packets to masquerade
 *             POSTROUTING ────────▶ KUBE-POSTROUTING     masquerades marked packets
 *     filter  INPUT ─▶ KUBE-PROXY-FIREWALL               source ranges and traffic policies, before IPVS
 *             INPUT ─▶ KUBE-IPVS-INVALID                 segments of no connection
 *             INPUT ─▶ KUBE-IPVS-FILTER                  keeps the node's own ports off Service addresses
 *     mangle  OUTPUT ─▶ KUBE-PROXY-FIREWALL, …-INVALID   the same for packets of the node: IPVS takes them before filter
 *
 * The rules match sets only, so they do not change with Services. (kube-proxy leaves out rules whose set is empty.)
 */
export function ipvsRules(family: IpFamily, settings: IpvsRuleSettings, localMatches: readonly LocalMatch[]): RuleSet {
  const inSet = (set: SetName, fields: string): Pick<Rule, 'inSet'> => ({
    inSet: { name: kernelSetName(set, family), fields },
  })
  const tables = new Map<string, TableRules>([
    ['nat', { chains: natChains(family, settings, localMatches, inSet), links: NAT_LINKS }],
    ['filter', { chains: filterChains(settings, localMatches, inSet), links: FILTER_LINKS }],
    ['mangle', { chains: mangleChains(inSet), links: MANGLE_LINKS }],
  ])
  return { family, tables }
}

/** Matches packets that are in a set, by these fields. */
type InSet = (set: SetName, fields: string) => Pick<Rule, 'inSet'>

function natChains(
  family: IpFamily,
  { masqueradeAll, masqueradeMark, randomFully }: IpvsRuleSettings,
  localMatches: readonly LocalMatch[],
  inSet: InSet,
): Map<string, readonly Rule[]> {
  const { mark, postrouting } = masqueradeRules(masqueradeMark, randomFully)
  const masquerade = { kind: 'MASQUERADE', randomPort: randomFully } as const
  const clusterIP: Rule[] = []
  if (masqueradeAll) {
    clusterIP.push({ comment: 'all traffic to cluster IPs', ...inSet('KUBE-CLUSTER-IP', 'dst,dst'), target: MARK_MASQ })
  } else if (localMatches.length > 0) {
    const target = jump('KUBE-CLUSTER-IP-MASQ')
    clusterIP.push({ comment: 'traffic to cluster IPs', ...inSet('KUBE-CLUSTER-IP', 'dst,dst'), target })
  }
  return new Map<string, readonly Rule[]>([
    [
      'KUBE-SERVICES',
      [
        { comment: 'loopback is not balanced', source: LOOPBACK[family], target: RETURN },
        // The source may be the Service's address. Every node has that address, so replies would stay on the endpoint's node.
        {
          comment: 'sent by this node',
          fromThisNode: true,
          ...inSet('KUBE-IPVS-SERVERS', 'dst,dst'),
          target: MARK_MASQ,
        },
        {
          comment: 'load-balancer IPs',
          ...inSet('KUBE-LOAD-BALANCER', 'dst,dst'),
          target: jump('KUBE-LOAD-BALANCER'),
        },
        ...clusterIP,
        { comment: 'external IPs', ...inSet('KUBE-EXTERNAL-IP', 'dst,dst'), target: MARK_MASQ },
        { comment: 'node ports', toThisNode: true, target: jump('KUBE-NODE-PORT') },
        // Both sets hold addresses of this node: a container port that is published on all addresses must not take the packets.
        {
          comment: 'Services are for IPVS alone',
          ...inSet('KUBE-IPVS-SERVERS', 'dst,dst'),
          target: ACCEPT,
        },
        { comment: 'addresses of Services are for IPVS alone', ...inSet('KUBE-IPVS-IPS', 'dst'), target: ACCEPT },
      ],
    ],
    [
      'KUBE-LOAD-BALANCER',
      [
        { comment: 'policy Local', ...inSet('KUBE-LOAD-BALANCER-LOCAL', 'dst,dst'), target: RETURN },
        { comment: 'policy Cluster', target: MARK_MASQ },
      ],
    ],
    ['KUBE-CLUSTER-IP-MASQ', [...returnLocal(localMatches), { comment: 'not from a Pod', target: MARK_MASQ }]],
    ['KUBE-NODE-PORT', nodePortRules(inSet)],
    ['KUBE-MARK-MASQ', mark],
    [
      'KUBE-POSTROUTING',
      [
        { comment: 'a Pod that reaches itself', ...inSet('KUBE-LOOP-BACK', 'dst,dst,src'), target: masquerade },
        ...postrouting,
      ],
    ],
  ])
}

function nodePortRules(inSet: InSet): Rule[] {
  return (['TCP', 'UDP', 'SCTP'] as const).flatMap(protocol => {
    const fields = protocol === 'SCTP' ? 'dst,dst' : 'dst'
    const { all, local } = NODE_PORT_SETS[protocol]
    return [
      { comment: 'policy Local', protocol, ...inSet(local, fields), target: RETURN },
      { comment: 'policy Cluster', protocol, ...inSet(all, fields), target: MARK_MASQ },
    ]
  })
}

function filterChains(
  { masqueradeMark, randomFully }: IpvsRuleSettings,
  localMatches: readonly LocalMatch[],
  inSet: InSet,
): Map<string, readonly Rule[]> {
  const { forward } = masqueradeRules(masqueradeMark, randomFully)
  const healthCheck = { protocol: 'TCP', ...inSet('KUBE-HEALTH-CHECK-NODE-PORT', 'dst') } as const
  const reject = { kind: 'REJECT', with: 'port-unreachable' } as const
  return new Map<string, readonly Rule[]>([
    ['KUBE-FORWARD', forward],
    ['KUBE-NODE-PORT', [{ comment: 'health check node ports', ...healthCheck, target: ACCEPT }]],
    [
      'KUBE-PROXY-FIREWALL',
      [
        ...firewallRules(inSet),
        {
          comment: 'endpoints are on other nodes',
          ...inSet('KUBE-ELSEWHERE-EXTERNAL', 'dst,dst'),
          target: jump('KUBE-EXTERNAL-POLICY'),
        },
      ],
    ],
    ['KUBE-EXTERNAL-POLICY', [...returnLocal(localMatches), { comment: 'not from a Pod', target: DROP }]],
    ['KUBE-SOURCE-RANGES-FIREWALL', sourceRangeRules(inSet)],
    [IPVS_INVALID, invalidSegmentRules(inSet)],
    // A chain of kube-proxy. Table mangle drops the packets that kube-proxy drops here.
    ['KUBE-IPVS-OUT-FILTER', []],
    [
      'KUBE-IPVS-FILTER',
      [
        { comment: 'Services', ...inSet('KUBE-IPVS-SERVERS', 'dst,dst'), target: RETURN },
        { comment: 'health check node ports', ...healthCheck, target: RETURN },
        { comment: 'nothing else at addresses of Services', ...inSet('KUBE-IPVS-IPS', 'dst'), target: reject },
      ],
    ],
  ])
}

function mangleChains(inSet: InSet): Map<string, readonly Rule[]> {
  return new Map([
    ['KUBE-PROXY-FIREWALL', firewallRules(inSet)],
    ['KUBE-SOURCE-RANGES-FIREWALL', sourceRangeRules(inSet)],
    [IPVS_INVALID, invalidSegmentRules(inSet)],
  ])
}

function firewallRules(inSet: InSet): Rule[] {
  const target = jump('KUBE-SOURCE-RANGES-FIREWALL')
  return [
    { comment: 'source ranges', ...inSet('KUBE-LOAD-BALANCER-FW', 'dst,dst'), target },
    { comment: 'endpoints are on other nodes', ...inSet('KUBE-ELSEWHERE', 'dst,dst'), target: DROP },
  ]
}

/**
 * IPVS leaves these to the node, which would answer with a reset: segments of a client to a Service, and those of an endpoint to the node,
 * if its client is masqueraded.
 */
function invalidSegmentRules(inSet: InSet): Rule[] {
  const match = { protocol: 'TCP', keepsConnection: true } as const
  return [
    { comment: 'to a Service', ...match, ...inSet('KUBE-IPVS-SERVERS', 'dst,dst'), target: DROP },
    { comment: 'of an endpoint', ...match, ...inSet('KUBE-ENDPOINTS', 'src,src'), target: DROP },
  ]
}

function sourceRangeRules(inSet: InSet): Rule[] {
  return [
    { comment: 'in a source range', ...inSet('KUBE-LOAD-BALANCER-SOURCE-CIDR', 'dst,dst,src'), target: RETURN },
    { comment: 'the node itself', ...inSet('KUBE-LOAD-BALANCER-SOURCE-IP', 'dst,dst,src'), target: RETURN },
    { comment: 'in no source range', target: DROP },
  ]
}

function returnLocal(localMatches: readonly LocalMatch[]): Rule[] {
  return localMatches.map(match => ({ comment: 'from a Pod', ...match, target: RETURN }))
}

function jump(chain: string): { readonly kind: 'jump'; readonly chain: string } {
  return { kind: 'jump', chain }
}

const NEW = { connection: 'NEW' } as const
const SERVICES_MATCH = { comment: LINK_COMMENTS.services } as const
const FIREWALL_MATCH = { comment: LINK_COMMENTS.ipvsFirewall, ...NEW } as const
const ABOVE_VERDICTS = { staysAbove: 'verdicts' } as const
/** For links to rules that refuse packets: rules that accept packets must not come to stand above them. */
const ABOVE_ACCEPTANCE = { staysAbove: 'acceptance' } as const
const NAT_LINKS: readonly Link[] = [
  linkToChain('PREROUTING', 'KUBE-SERVICES', SERVICES_MATCH, ABOVE_VERDICTS),
  linkToChain('OUTPUT', 'KUBE-SERVICES', SERVICES_MATCH, ABOVE_VERDICTS),
  linkToChain('POSTROUTING', 'KUBE-POSTROUTING', { comment: LINK_COMMENTS.postrouting }, ABOVE_VERDICTS),
]
const FILTER_LINKS: readonly Link[] = [
  linkToChain('FORWARD', 'KUBE-FORWARD', { comment: LINK_COMMENTS.forwarding }),
  linkToChain('INPUT', 'KUBE-IPVS-FILTER', { comment: LINK_COMMENTS.ipvsFilter, ...NEW }, ABOVE_ACCEPTANCE),
  linkToChain('INPUT', 'KUBE-NODE-PORT', { comment: LINK_COMMENTS.ipvsHealthChecks, ...NEW }),
  linkToChain('INPUT', 'KUBE-PROXY-FIREWALL', FIREWALL_MATCH, ABOVE_ACCEPTANCE),
  ...invalidSegmentLinks(IPVS_INVALID, ['INPUT']),
]
const MANGLE_LINKS: readonly Link[] = [
  linkToChain('OUTPUT', 'KUBE-PROXY-FIREWALL', FIREWALL_MATCH, ABOVE_ACCEPTANCE),
  ...invalidSegmentLinks(IPVS_INVALID, ['OUTPUT']),
]

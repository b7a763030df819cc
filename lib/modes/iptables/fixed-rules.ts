import { LOOPBACK } from '../../model/cidr.js'
import { LINK_COMMENTS, linkToChain, invalidSegmentLinks } from '../../netfilter/link-to-chain.js'
import { type ChainGroup, type Link, type Rule, type TableRules } from '../../netfilter/rule-set.js'
import {
  EXTERNAL_SERVICES,
  FORWARD,
  KUBE_FIREWALL,
  MARK_MASQ,
  MARK_STRANGERS,
  NODE_PORTS,
  POSTROUTING,
  PROXY_CANARY,
  PROXY_FIREWALL,
  PROXY_INVALID,
  SERVICES,
  SERVICE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { type Dispatch, NO_DISPATCH } from './dispatch.js'
import { masqueradeRules } from '../masquerade-rules.js'
import { type RuleSettings } from '../rule-settings.js'
import { type RuleContext, nodePortMatches } from './rule-context.js'

/** The rules and links that are the same for all sets of Services. They depend on the context only. */
export interface FixedRules {
  /** The jump to the node ports. It comes after the rules of all addresses. */
  readonly toNodePorts: Dispatch
  readonly natChains: readonly (readonly [string, readonly Rule[]])[]
  readonly filterChains: readonly (readonly [string, readonly Rule[]])[]
  readonly filterLinks: readonly Link[]
}

const OWNED_NAT_PREFIXES = [...SERVICE_PREFIXES, MARK_STRANGERS, PROXY_CANARY]
const NEW = { connection: 'NEW' } as const
const FIREWALL_MATCH = { comment: LINK_COMMENTS.firewall, ...NEW } as const
/** Jumps of other programs may stay above: some network plugins mark packets there before a Service translates them. */
const ABOVE_VERDICTS = { staysAbove: 'verdicts' } as const

/** Jumps from the built-in chains. Of two jumps in one chain the later one is inserted above the earlier. */
const FILTER_LINKS: readonly Link[] = [
  // kube-proxy has no jump in OUTPUT: there, packets of the node to an address without endpoints go out to the network.
  ...['INPUT', 'FORWARD', 'OUTPUT'].map(chain =>
    linkToChain(chain, EXTERNAL_SERVICES, { comment: LINK_COMMENTS.externalServices, ...NEW }),
  ),
  linkToChain('INPUT', NODE_PORTS, { comment: LINK_COMMENTS.healthChecks }),
  ...['FORWARD', 'OUTPUT'].map(chain => linkToChain(chain, SERVICES, { comment: LINK_COMMENTS.services, ...NEW })),
  linkToChain('FORWARD', FORWARD, { comment: LINK_COMMENTS.forwarding }),
  // The other chains may not stay first: KUBE-FORWARD accepts packets that the rules of a network policy would drop.
  ...['INPUT', 'OUTPUT', 'FORWARD'].map(chain =>
    linkToChain(chain, PROXY_FIREWALL, FIREWALL_MATCH, { staysAbove: 'acceptance' }),
  ),
  // KUBE-FORWARD drops those that the node forwards, as in kube-proxy.
  ...invalidSegmentLinks(PROXY_INVALID, ['INPUT', 'OUTPUT']),
]
const NAT_LINKS: readonly Link[] = [
  ...['OUTPUT', 'PREROUTING'].map(chain =>
    linkToChain(chain, SERVICES, { comment: LINK_COMMENTS.services }, ABOVE_VERDICTS),
  ),
  linkToChain('POSTROUTING', POSTROUTING, { comment: LINK_COMMENTS.postrouting }, ABOVE_VERDICTS),
]

/**
 * Node ports on loopback need route_localnet, which lets packets with a loopback address out and in. This rule keeps other
 * hosts of the network from reaching the node's loopback that way (CVE-2020-8558). The kubelet has the same rule in the same
 * chain.
 */
const LOCALNET_LINKS: readonly Link[] = [
  {
    chain: KUBE_FIREWALL,
    createsChain: true,
    position: 'first',
    rule: {
      comment: 'block incoming localnet connections',
      destination: LOOPBACK.IPv4,
      not: { source: LOOPBACK.IPv4, connection: ['RELATED', 'ESTABLISHED', 'DNAT'] },
      target: { kind: 'DROP' },
    },
  },
  ...['INPUT', 'OUTPUT'].map(chain => linkToChain(chain, KUBE_FIREWALL)),
]

/** Builds the rules that depend on the context only. */
export function fixedRules(context: RuleContext, settings: RuleSettings): FixedRules {
  const { masqueradeMark, randomFully, dropInvalid } = settings
  const { mark, forward, postrouting } = masqueradeRules(masqueradeMark, randomFully)
  const invalid: Rule = { connection: 'INVALID', target: { kind: 'DROP' } }
  const localReturns = context.localMatches.map((match): Rule => ({ ...match, target: { kind: 'RETURN' } }))
  const externalMarkRules: readonly Rule[] = [...localReturns, { target: { kind: 'jump', chain: MARK_MASQ } }]
  return {
    toNodePorts: { ...NO_DISPATCH, addresses: nodePortMatches(context).map(nodePortsJump) },
    natChains: [
      [POSTROUTING, postrouting],
      [MARK_MASQ, mark],
      ...(context.localMatches.length > 1 ? [[MARK_STRANGERS, externalMarkRules] as const] : []),
    ],
    filterChains: [[FORWARD, [...(dropInvalid ? [invalid] : []), ...forward]]],
    filterLinks:
      context.family === 'IPv4' && context.localhostNodePorts ? [...FILTER_LINKS, ...LOCALNET_LINKS] : FILTER_LINKS,
  }
}

function nodePortsJump(match: Omit<Rule, 'target'>): Rule {
  const comment = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain'
  return { comment, ...match, target: { kind: 'jump', chain: NODE_PORTS } }
}

/** Assembles all tables of one family. */
export function buildTables(
  fixed: FixedRules,
  dispatch: Dispatch,
  groups: readonly ChainGroup[],
): Map<string, TableRules> {
  const filter = new Map([
    [SERVICES, dispatch.unservedInternal],
    [EXTERNAL_SERVICES, dispatch.unservedExternal],
    [PROXY_FIREWALL, dispatch.firewall],
    [NODE_PORTS, dispatch.healthChecks],
    [PROXY_INVALID, dispatch.invalid],
    ...fixed.filterChains,
  ])
  const nat = new Map([...fixed.natChains, [SERVICES, dispatch.addresses], [NODE_PORTS, dispatch.nodePorts]])
  return new Map([
    ['filter', { chains: filter, links: fixed.filterLinks, ownedPrefixes: [PROXY_CANARY] }],
    ['nat', { chains: nat, groups, links: NAT_LINKS, ownedPrefixes: OWNED_NAT_PREFIXES }],
  ])
}

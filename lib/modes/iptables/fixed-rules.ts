import { LOOPBACK } from '../../model/cidr.js'
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
  SERVICES,
  SERVICE_PREFIXES,
} from '../../netfilter/chain-names.js'
import { type Dispatch, NO_DISPATCH } from './dispatch.js'
import { masqueradeRules } from '../masquerade-rules.js'
import { type IptablesSettings, type RuleContext, nodePortMatches } from './rule-context.js'

/** What is in each table whatever the Services: made anew only when the context changes. */
export interface FixedRules {
  /** Comes after all addresses: the node ports. */
  readonly toNodePorts: Dispatch
  readonly natChains: readonly (readonly [string, readonly Rule[]])[]
  readonly filterChains: readonly (readonly [string, readonly Rule[]])[]
  readonly filterLinks: readonly Link[]
}

const OWNED_NAT_PREFIXES = [...SERVICE_PREFIXES, MARK_STRANGERS]
const NEW = { connection: 'NEW' } as const

function link(chain: string, target: string, comment: string | undefined, match: Pick<Rule, 'connection'> = {}): Link {
  const commentField = comment === undefined ? {} : { comment }
  return { chain, position: 'first', rule: { ...commentField, ...match, target: { kind: 'jump', chain: target } } }
}

/** Where in the built-in chains ours begin. Of two in one chain the later stands higher. */
const FILTER_LINKS: readonly Link[] = [
  // kube-proxy leaves out OUTPUT: there the node itself asks the network for an address that no endpoint is behind.
  ...['INPUT', 'FORWARD', 'OUTPUT'].map(chain =>
    link(chain, EXTERNAL_SERVICES, 'kubernetes externally-visible service portals', NEW),
  ),
  link('INPUT', NODE_PORTS, 'kubernetes health check service ports'),
  ...['FORWARD', 'OUTPUT'].map(chain => link(chain, SERVICES, 'kubernetes service portals', NEW)),
  link('FORWARD', FORWARD, 'kubernetes forwarding rules'),
  ...['INPUT', 'OUTPUT', 'FORWARD'].map(chain => link(chain, PROXY_FIREWALL, 'kubernetes load balancer firewall', NEW)),
]
const NAT_LINKS: readonly Link[] = [
  ...['OUTPUT', 'PREROUTING'].map(chain => link(chain, SERVICES, 'kubernetes service portals')),
  link('POSTROUTING', POSTROUTING, 'kubernetes postrouting rules'),
]

/**
 * With node ports on loopback the kernel is told to let packets with a loopback address out and in (route_localnet); others on
 * the network must not reach the node's loopback for that (CVE-2020-8558). The kubelet keeps the same rule in the same place.
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
  ...['INPUT', 'OUTPUT'].map(chain => link(chain, KUBE_FIREWALL, undefined)),
]

/** A rule, not an empty chain: then it is gone too when somebody empties all chains and leaves them. */
const CANARY: readonly Rule[] = [{ comment: 'gone when others flush rules', target: { kind: 'RETURN' } }]
const CANARY_TABLE: TableRules = { chains: new Map([[PROXY_CANARY, CANARY]]), links: [] }

export function fixedRules(context: RuleContext, settings: IptablesSettings): FixedRules {
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
      [PROXY_CANARY, CANARY],
    ],
    filterChains: [
      [FORWARD, [...(dropInvalid ? [invalid] : []), ...forward]],
      [PROXY_CANARY, CANARY],
    ],
    filterLinks:
      context.family === 'IPv4' && context.localhostNodePorts ? [...FILTER_LINKS, ...LOCALNET_LINKS] : FILTER_LINKS,
  }
}

function nodePortsJump(match: Omit<Rule, 'target'>): Rule {
  const comment = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain'
  return { comment, ...match, target: { kind: 'jump', chain: NODE_PORTS } }
}

/** All tables of one family. */
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
    ...fixed.filterChains,
  ])
  const nat = new Map([...fixed.natChains, [SERVICES, dispatch.addresses], [NODE_PORTS, dispatch.nodePorts]])
  return new Map([
    ['filter', { chains: filter, links: fixed.filterLinks }],
    ['nat', { chains: nat, groups, links: NAT_LINKS, ownedPrefixes: OWNED_NAT_PREFIXES }],
    ['mangle', CANARY_TABLE],
  ])
}

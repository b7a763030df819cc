import { type ComparedCase } from './compared-case.js'
import { type ComparedClient } from './compared-clients.js'
import { HERE, THERE } from './compared-node.js'
import { type AddressKind } from './compared-service.js'

/** Something that the original does otherwise. */
export interface ExpectedDifference {
  readonly name: string
  /** The feature that names its row in DIFFERENCES.md, section "iptables mode". */
  readonly row: string
  readonly because: string
  /** The Services where it shows; all when there are none. */
  readonly services?: readonly string[]
  readonly kinds?: readonly AddressKind[]
  readonly clients?: readonly ComparedClient[]
  /** The flag with which it shows; in any case when there is none. */
  readonly flag?: string
  /** What the original does there. */
  readonly original: RegExp
  /** What ours does. */
  readonly ours: (compared: ComparedCase) => string
  /** The original does one thing or the other by chance: it may do as ours for once. */
  readonly byChance?: boolean
}

/** NODE_PORT_RANGE is the flag that leaves node ports to some addresses. */
export const NODE_PORT_RANGE = '--nodeport-addresses=192.168.50.0/24'

const SERVED = /^[\d.]+:\d+/
/** At external IPs; see the difference about these. */
const SERVED_UNLESS_ON_BRIDGE = /^(untouched masqueraded$|[\d.]+:\d+)/
const OUTSIDE = ['external IP', 'load-balancer IP'] as const
const AT_NODE = ({ originalAtNode }: ComparedCase): string => originalAtNode
const AS = (name: string) => (compared: ComparedCase) => compared.originalOf(name)
const OLDER = (compared: ComparedCase): string => compared.originalAtNode.replace(THERE[0], HERE[0])

/** Of several that a case is in, the first counts. */
export const EXPECTED_DIFFERENCES: readonly ExpectedDifference[] = [
  {
    name: 'endpoints that end are the last resort',
    row: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    because: 'kube-proxy of today serves them where no endpoint is ready; the original knows no such endpoints',
    services: ['endpoints that end'],
    original: /^(refused|untouched)$/,
    ours: AS('one endpoint'),
  },
  {
    name: 'internalTrafficPolicy Local counts',
    row: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    because: 'the field came with 1.21',
    services: ['internal policy Local'],
    kinds: ['cluster IP'],
    original: SERVED,
    ours: AS('two endpoints here'),
  },
  {
    name: 'hints count',
    row: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    because: 'they came with 1.21',
    services: ['hints'],
    original: SERVED_UNLESS_ON_BRIDGE,
    ours: AS('two endpoints here'),
  },
  {
    name: 'a load balancer that is a proxy gets what is sent to it',
    row: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    because: 'ipMode came with 1.29',
    services: ['load balancer that is a proxy'],
    kinds: ['load-balancer IP'],
    original: SERVED,
    ours: () => 'untouched',
  },
  {
    name: 'externalTrafficPolicy counts for external IPs of every type of Service',
    row: 'policy Local at external IPs of type ClusterIP',
    because: 'the original asks for type NodePort or LoadBalancer, kube-proxy of today does not',
    services: ['policy Local, type ClusterIP with external IP'],
    kinds: ['external IP'],
    original: SERVED_UNLESS_ON_BRIDGE,
    ours: AS('policy Local, endpoints here and elsewhere'),
  },
  {
    name: 'two ports of one Pod are two endpoints',
    row: 'two ports of one Pod under one name',
    because: 'the original knows endpoints of a Service port by their IP alone',
    services: ['two ports of one Pod under one name'],
    original: /^(untouched masqueraded|10\.244\.0\.2:(8080|9090)( masqueraded)?)$/,
    ours: ({ originalAtNode }) =>
      [8080, 9090].map(port => `${originalAtNode.replace(/:\d+/, `:${port}`)} 50.0%`).join(', '),
  },
  {
    name: 'of two Services with one node port the older one has it',
    row: 'two Services, one address',
    because: 'the original writes rules in no order, and the first one counts',
    services: ['a node port that two Services want', 'the other of two with one node port'],
    kinds: ['node port', 'node port at another address', 'node port on loopback'],
    original: SERVED,
    ours: OLDER,
    byChance: true,
  },
  {
    name: 'of two Services with one external IP the older one has it',
    row: 'two Services, one address',
    because: 'the original writes rules in no order, and the first one counts',
    services: ['an external IP that two Services want', 'the other of two with one external IP'],
    kinds: ['external IP'],
    original: SERVED_UNLESS_ON_BRIDGE,
    ours: OLDER,
    byChance: true,
  },
  {
    name: 'who is not in the source ranges is dropped, with endpoints or without',
    row: 'source ranges',
    because: 'an answer would say that there is a Service',
    services: ['source ranges, no endpoints'],
    kinds: ['load-balancer IP'],
    clients: [
      ...['a Pod on the bridge', 'a Pod with a link of its own', 'an endpoint itself', 'a Pod elsewhere'],
      ...['a neighbour of the node', 'the node'],
    ] as ComparedClient[],
    original: /^(refused|untouched)$/,
    ours: () => 'dropped',
  },
  {
    name: 'what is to be dropped is dropped on its way to other hosts too',
    row: 'dropped packets',
    because:
      'the original leaves it to rules of the kubelet, which see what is sent to the node and by it, and no more',
    services: [
      ...['policy Local, endpoints elsewhere', 'policy Local, type NodePort, endpoints elsewhere'],
      ...['source ranges', 'source ranges with the node', 'source ranges of Pods', 'source ranges, policy Local'],
    ],
    kinds: OUTSIDE,
    clients: [
      ...['a Pod on the bridge', 'a Pod with a link of its own', 'an endpoint itself', 'a Pod elsewhere'],
      ...['a host outside', 'a neighbour of the node'],
    ] as ComparedClient[],
    original: /^untouched/,
    ours: AT_NODE,
  },
  {
    name: 'external IPs are served to the node, and to Pods on a bridge',
    row: 'external IPs',
    because:
      'the original sends them out to the network, unless they are addresses of the node; kube-proxy of today does not',
    kinds: ['external IP'],
    clients: ['a Pod on the bridge', 'an endpoint itself', 'the node'],
    original: /^untouched/,
    ours: AT_NODE,
  },
  {
    name: 'the node is refused too where there are no endpoints',
    row: 'no endpoints',
    because: 'the original has the rule for what comes to the node and through it, not for what it sends',
    kinds: OUTSIDE,
    clients: ['the node'],
    original: /^untouched$/,
    ours: AT_NODE,
  },
  {
    name: 'where node ports are not served they are not refused',
    row: 'NodePorts with address ranges',
    because: 'the port may be that of a program of the node',
    kinds: ['node port at another address', 'node port on loopback'],
    flag: NODE_PORT_RANGE,
    original: /^refused$/,
    ours: () => 'untouched',
  },
]

/** The difference that a case is in, if it is in one. */
export function expectedDifference(
  { service, address, client, original }: ComparedCase,
  flags: readonly string[],
): ExpectedDifference | undefined {
  return EXPECTED_DIFFERENCES.find(
    difference =>
      difference.original.test(original) &&
      (difference.services?.includes(service.name) ?? true) &&
      (difference.kinds?.includes(address.kind) ?? true) &&
      (difference.clients?.includes(client) ?? true) &&
      (difference.flag === undefined || flags.includes(difference.flag)),
  )
}

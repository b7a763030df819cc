import { type ComparedCase } from './compared-case.js'
import { type ComparedClient } from './compared-clients.js'
import { LOCAL_POD_IPS, REMOTE_POD_IPS } from './compared-node.js'
import { type AddressKind } from './compared-service.js'

/** A known difference between both proxies. */
export interface ExpectedDifference {
  readonly name: string
  /** The feature that names its row in DIFFERENCES.md, section "iptables mode". */
  readonly documentedAs: string
  readonly reason: string
  /** The Services with this difference; without it all. */
  readonly services?: readonly string[]
  readonly kinds?: readonly AddressKind[]
  readonly clients?: readonly ComparedClient[]
  /** The flag that is needed for the difference; without it none. */
  readonly flag?: string
  /** The outcome of the original. */
  readonly original: RegExp
  /** The outcome of this proxy. */
  readonly ours: (compared: ComparedCase) => string
  /** The original does one or the other at random, so both may agree. */
  readonly isNondeterministic?: boolean
}

/** NODE_PORT_RANGE is the flag that limits NodePorts to some addresses. */
export const NODE_PORT_RANGE = '--nodeport-addresses=192.168.50.0/24'

const SERVED = /^[\d.]+:\d+/
/** At external IPs; see the difference about those. */
const SERVED_OR_BRIDGED = /^(untouched masqueraded$|[\d.]+:\d+)/
const EXTERNAL_KINDS = ['external IP', 'load-balancer IP'] as const
const sameAsAtNode = ({ originalAtNode }: ComparedCase): string => originalAtNode
const sameAs = (name: string) => (compared: ComparedCase) => compared.originalForService(name)
const servedByOlder = (compared: ComparedCase): string =>
  compared.originalAtNode.replace(REMOTE_POD_IPS[0], LOCAL_POD_IPS[0])

/** If a case matches several differences, the first one applies. */
export const EXPECTED_DIFFERENCES: readonly ExpectedDifference[] = [
  {
    name: 'endpoints that end are the last resort',
    documentedAs: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    reason: 'kube-proxy of today serves them where no endpoint is ready; the original knows no such endpoints',
    services: ['terminating endpoints'],
    original: /^(refused|untouched)$/,
    ours: sameAs('one endpoint'),
  },
  {
    name: 'internalTrafficPolicy Local counts',
    documentedAs: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    reason: 'the field came with 1.21',
    services: ['internal policy Local'],
    kinds: ['cluster IP'],
    original: SERVED,
    ours: sameAs('two local endpoints'),
  },
  {
    name: 'hints count',
    documentedAs: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    reason: 'they came with 1.21',
    services: ['hints'],
    original: SERVED_OR_BRIDGED,
    ours: sameAs('two local endpoints'),
  },
  {
    name: 'a load balancer that is a proxy gets what is sent to it',
    documentedAs: 'terminating endpoints, `internalTrafficPolicy`, hints, `ipMode`',
    reason: 'ipMode came with 1.29',
    services: ['load balancer that is a proxy'],
    kinds: ['load-balancer IP'],
    original: SERVED,
    ours: () => 'untouched',
  },
  {
    name: 'externalTrafficPolicy counts for external IPs of every type of Service',
    documentedAs: 'policy Local at external IPs of type ClusterIP',
    reason: 'the original asks for type NodePort or LoadBalancer, kube-proxy of today does not',
    services: ['policy Local, type ClusterIP with external IP'],
    kinds: ['external IP'],
    original: SERVED_OR_BRIDGED,
    ours: sameAs('policy Local, local and remote endpoints'),
  },
  {
    name: 'two ports of one Pod are two endpoints',
    documentedAs: 'two ports of one Pod under one name',
    reason: 'the original knows endpoints of a Service port by their IP alone',
    services: ['two ports of one Pod under one name'],
    original: /^(untouched masqueraded|10\.244\.0\.2:(8080|9090)( masqueraded)?)$/,
    ours: ({ originalAtNode }) =>
      [8080, 9090].map(port => `${originalAtNode.replace(/:\d+/, `:${port}`)} 50.0%`).join(', '),
  },
  {
    name: 'of two Services with one node port the older one has it',
    documentedAs: 'two Services, one address',
    reason: 'the original writes rules in no order, and the first one counts',
    services: ['a node port conflict, older Service', 'a node port conflict, newer Service'],
    kinds: ['node port', 'node port at the bridge address', 'node port on loopback'],
    original: SERVED,
    ours: servedByOlder,
    isNondeterministic: true,
  },
  {
    name: 'of two Services with one external IP the older one has it',
    documentedAs: 'two Services, one address',
    reason: 'the original writes rules in no order, and the first one counts',
    services: ['an external IP conflict, older Service', 'an external IP conflict, newer Service'],
    kinds: ['external IP'],
    original: SERVED_OR_BRIDGED,
    ours: servedByOlder,
    isNondeterministic: true,
  },
  {
    name: 'who is not in the source ranges is dropped, with endpoints or without',
    documentedAs: 'source ranges',
    reason: 'an answer would say that there is a Service',
    services: ['source ranges, no endpoints'],
    kinds: ['load-balancer IP'],
    clients: [
      ...['a Pod on the bridge', 'a Pod with its own link', 'an endpoint', 'a Pod of another node'],
      ...['a host on the network of the node', 'the node'],
    ] as ComparedClient[],
    original: /^(refused|untouched)$/,
    ours: () => 'dropped',
  },
  {
    name: 'packets to drop are dropped on their way to other hosts too',
    documentedAs: 'dropped packets',
    reason: 'the original leaves it to rules of the kubelet, which see what is sent to the node and by it, and no more',
    services: [
      ...['policy Local, remote endpoints', 'policy Local, type NodePort, endpoints elsewhere'],
      ...['source ranges', 'source ranges with the node', 'source ranges of Pods', 'source ranges, policy Local'],
    ],
    kinds: EXTERNAL_KINDS,
    clients: [
      ...['a Pod on the bridge', 'a Pod with its own link', 'an endpoint', 'a Pod of another node'],
      ...['an external host', 'a host on the network of the node'],
    ] as ComparedClient[],
    original: /^untouched/,
    ours: sameAsAtNode,
  },
  {
    name: 'external IPs are served to the node, and to Pods on a bridge',
    documentedAs: 'external IPs',
    reason:
      'the original sends them out to the network, unless they are addresses of the node; kube-proxy of today does not',
    kinds: ['external IP'],
    clients: ['a Pod on the bridge', 'an endpoint', 'the node'],
    original: /^untouched/,
    ours: sameAsAtNode,
  },
  {
    name: 'the node is refused too where there are no endpoints',
    documentedAs: 'no endpoints',
    reason: 'the original has the rule for what comes to the node and through it, not for what it sends',
    kinds: EXTERNAL_KINDS,
    clients: ['the node'],
    original: /^untouched$/,
    ours: sameAsAtNode,
  },
  {
    name: 'where node ports are not served they are not refused',
    documentedAs: 'NodePorts with address ranges',
    reason: 'the port may be that of a program of the node',
    kinds: ['node port at the bridge address', 'node port on loopback'],
    flag: NODE_PORT_RANGE,
    original: /^refused$/,
    ours: () => 'untouched',
  },
]

/** The difference that applies to a case, if any. */
export function findExpectedDifference(
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

import { type ModeWalkthrough } from '../mode-walkthrough.js'
import { countNatPackets, readNatChains } from '../nat-chains.js'

/** The chains that the demo shows, in the order in which a packet passes them. */
const SHOWN_CHAINS = /^KUBE-(SERVICES|SVC-\S+|SEP-\S+)$/
const CHAIN_ORDER = ['KUBE-SERVICES', 'KUBE-SVC-', 'KUBE-SEP-']

export const iptablesWalkthrough: ModeWalkthrough = {
  clusterIPText: 'No network interface has this address: kube-proxy makes it work, with rules in the kernel alone.',
  rulesText:
    'KUBE-SERVICES has one rule for each port of each Service. It sends packets for the ClusterIP to a chain of this ' +
    'port (KUBE-SVC-…). There the kernel picks an endpoint at random: of three endpoints, it takes the first with ' +
    'probability 1/3, otherwise the second with probability 1/2, otherwise the third. Each endpoint has a chain ' +
    '(KUBE-SEP-…) that changes the destination of the packet to the Pod (DNAT). ' +
    'PKTS is the number of packets that matched a rule. Only the chains and columns that matter are shown.',
  rulesCommand: 'iptables -t nat -L -n -v',
  readRules: node => readNatChains(node, SHOWN_CHAINS, chainRank),
  readCount: (node, port) => countNatPackets(node, /^KUBE-SERVICES$/, port),
  counterDelayMs: 0,
  counterText:
    'The counters have changed. (Rules see only the first packet of a connection; the kernel sends the other packets the same way.)',
  counterName: 'The rule in KUBE-SERVICES',
  balancingText: 'The kernel picks a Pod at random for each connection.',
  isRoundRobin: false,
  clientAddressText: 'The Pods see the address of the client: the kernel changes only the destination of a packet.',
  deadPodText:
    'The kernel does not check whether a Pod is alive. While the endpoint is listed, the kernel sends it some of the ' +
    'connections, and these are refused.',
  losesRequestsToDeadPods: true,
  scaleUpText: 'The rules changed: the new endpoints have chains, and the Service has new probabilities',
  scaleUpChangesRules: true,
  noEndpointsText: 'The Service has no endpoint. A rule in the table "filter" refuses connections.',
  udpText:
    'the kernel treats all datagrams from one address and port of a client as one flow, and picks a Pod at random for each flow.',
  syncSigns: {
    verbosity: 4,
    endpointsAreLogged: false,
    // A write that has begun before may know nothing of the change: then it is still pending.
    served: [/"Planned rules"/, /"Synced rules" family="IPv4" .*pending=false/],
  },
  suggestions: [
    ['rules that refuse connections', 'iptables -t filter -L KUBE-SERVICES -n -v'],
    ['connections of the kernel', 'conntrack -L'],
  ],
}

function chainRank(chain: string): number {
  return CHAIN_ORDER.findIndex(prefix => chain.startsWith(prefix))
}

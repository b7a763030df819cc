import { type ModeWalkthrough } from '../mode-walkthrough.js'
import { countNatPackets, readNatChains } from '../nat-chains.js'

const SHOWN_CHAINS = /^KUBE-(SERVICES|SVC-\S+|SEP-\S+)$/
/** Chains in the order in which a packet meets them. */
const CHAIN_ORDER = ['KUBE-SERVICES', 'KUBE-SVC-', 'KUBE-SEP-']

export const iptablesWalkthrough: ModeWalkthrough = {
  clusterIPText: 'No interface anywhere has that address. It is kube-proxy that makes it work: here by rules alone.',
  rulesText:
    `In KUBE-SERVICES there is one rule for each port of each Service, which leads what goes to its cluster IP to a chain of its own ` +
    `(KUBE-SVC-…). There the kernel throws dice: of three Pods the first is taken with probability 1/3, the second of the rest with 1/2, ` +
    `else the third. Each has a chain (KUBE-SEP-…) that turns the packet straight to the Pod (DNAT). ` +
    `(In the column "prot", 6 is TCP and 17 is UDP; "pkts" counts the packets that met the rule.)`,
  rulesCommand: 'iptables -t nat -L -n -v',
  readRules: async node =>
    (await readNatChains(node, SHOWN_CHAINS)).sort((a, b) => chainRank(a) - chainRank(b)).join('\n'),
  readCount: (node, port) => countNatPackets(node, /^KUBE-SERVICES$/, port),
  counterDelayMs: 0,
  counterText: 'The kernel has counted. (Only the first packet of a connection is led by rules; the rest follows it.)',
  counterName: 'the rule in KUBE-SERVICES',
  balancingText: 'The kernel chooses a Pod for each by chance.',
  isRoundRobin: false,
  clientAddressText:
    'The Pods saw the client itself: the kernel changed where packets go to, and nobody stands in between.',
  deadPodText:
    'The kernel does not ask whether a Pod is alive: as long as its endpoint is listed, some clients are led to it, and are refused.',
  losesRequestsToDeadPods: true,
  scaleUpText: 'the rules have changed: each endpoint has a chain, and the dice of its Service are others',
  scaleUpChangesRules: true,
  noEndpointsText: 'There is nobody to lead a connection to, so a rule in table filter refuses it.',
  udpText:
    'the kernel takes all datagrams from one address and port of a client as one flow, and throws dice for each flow.',
  syncSigns: { verbosity: 4, endpointsAreLogged: false, kernelWritten: /"Synced rules" family="IPv4" changed=true/ },
  suggestions: [
    ['what refuses without Pods', 'iptables -t filter -L KUBE-SERVICES -n -v'],
    ['what the kernel remembers', 'conntrack -L'],
  ],
}

function chainRank(chain: string): number {
  return CHAIN_ORDER.findIndex(name => chain.trimStart().startsWith(`Chain ${name}`))
}

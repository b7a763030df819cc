import { type ModeWalkthrough } from '../mode-walkthrough.js'
import { countNatPackets, readNatChains } from '../nat-chains.js'

/** The chains that the demo shows. KUBE-ADDR-… exists when a Service has many ports. */
const SHOWN_CHAINS = /^(PREROUTING|OUTPUT|KUBE-PORTALS-CONTAINER|KUBE-PORTALS-HOST|KUBE-ADDR-\S+)$/

export const userspaceWalkthrough: ModeWalkthrough = {
  clusterIPText: 'No network interface has this address: kube-proxy makes it work.',
  rulesText:
    'For each port of each Service, kube-proxy listens on a port of the node and writes two iptables rules: one for packets ' +
    'that arrive at the node (chain KUBE-PORTALS-CONTAINER) and one for packets that the node itself sends ' +
    '(KUBE-PORTALS-HOST). Both rules redirect packets for the ClusterIP to the port on which kube-proxy listens. ' +
    'PKTS is the number of packets that matched a rule. Only the chains and columns that matter are shown.',
  rulesCommand: 'iptables -t nat -L -n -v',
  readRules: node => readNatChains(node, SHOWN_CHAINS),
  readCount: (node, port) => countNatPackets(node, SHOWN_CHAINS, port),
  counterDelayMs: 0,
  counterText:
    'The counters have changed. (Rules see only the first packet of a connection; the kernel sends the other packets the same way.)',
  counterName: 'The rule',
  balancingText: 'The Pods take turns: kube-proxy picks the next one for each connection.',
  isRoundRobin: true,
  clientAddressText:
    'The Pods see 10.244.0.1, the address of the node, not the client: kube-proxy opens its own connection to the Pod.',
  deadPodText: 'When kube-proxy cannot connect to the dead Pod, it tries the next one. The client does not notice.',
  losesRequestsToDeadPods: false,
  scaleUpText: 'No rule changed: only kube-proxy knows the endpoints',
  scaleUpChangesRules: false,
  noEndpointsText:
    'The Service has no endpoint. kube-proxy closes its listener, so the kernel refuses connections. ' +
    'The rule stays, so the first new Pod gets connections at once.',
  udpText:
    'kube-proxy treats all datagrams from one address and port of a client as one flow, and picks a Pod for each flow.',
  syncSigns: {
    verbosity: 4,
    endpointsAreLogged: true,
    // A write that has begun before may know nothing of the change: then it is still pending.
    served: [/"Planned rules"/, /"Synced rules" family="IPv4" .*pending=false/],
  },
  suggestions: [
    ['metrics of kube-proxy', 'curl -s localhost:10249/metrics | grep userspace'],
    ['open connections', 'ss -tn'],
  ],
}

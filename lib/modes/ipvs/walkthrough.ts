import { type ModeWalkthrough } from '../mode-walkthrough.js'

export const ipvsWalkthrough: ModeWalkthrough = {
  clusterIPText:
    'In this mode each node has this address, on the interface kube-ipvs0, so that packets for it reach IPVS, the load ' +
    'balancer of the kernel.',
  rulesText:
    'Each port of each Service is a virtual server, and each endpoint is a real server behind it. kube-proxy only writes ' +
    'this list. The kernel sends each connection to the next real server ("rr": round robin) and counts it.',
  rulesCommand: 'ipvsadm -L -n --stats',
  readRules: async node => (await node.run('ipvsadm', ['-L', '-n', '--stats'])).stdout.trimEnd(),
  async readCount(node, { clusterIP, port, protocol }) {
    const { stdout } = await node.run('ipvsadm', ['-L', '-n', '--stats', '--exact'])
    const row = stdout.split('\n').find(line => line.startsWith(protocol) && line.includes(` ${clusterIP}:${port} `))
    return Number(/^\S+\s+\S+\s+(\d+)(?:\s|$)/.exec(row ?? '')?.[1] ?? 0)
  },
  // The kernel adds up the counters of its processors every two seconds.
  counterDelayMs: 10_000,
  counterText: 'IPVS counts connections, packets and bytes. (It updates the counters every two seconds.)',
  counterName: 'The virtual server',
  balancingText: 'The Pods take turns: the kernel picks the next one for each connection.',
  isRoundRobin: true,
  clientAddressText: 'The Pods see the address of the client: the kernel changes only the destination of a packet.',
  deadPodText:
    'The kernel does not check whether a Pod is alive. While the endpoint is listed, the kernel sends it some of the ' +
    'connections, and these are refused.',
  losesRequestsToDeadPods: true,
  scaleUpText: 'No rule changed: the virtual server has two more real servers',
  scaleUpChangesRules: false,
  noEndpointsText: 'The virtual server has no real server, so the kernel refuses connections.',
  udpText:
    'the kernel treats all datagrams from one address and port of a client as one flow, and picks the next Pod for each flow.',
  syncSigns: {
    verbosity: 4,
    endpointsAreLogged: false,
    // The proxy writes them in turn with the changes.
    served: [/"Synced virtual servers" family="IPv4"/],
  },
  suggestions: [
    ['connections of IPVS', 'ipvsadm -L -n -c'],
    ['addresses of Services', 'ip address show kube-ipvs0'],
    ['sets that rules use', 'ipset list | grep -A 12 KUBE-CLUSTER-IP'],
  ],
}

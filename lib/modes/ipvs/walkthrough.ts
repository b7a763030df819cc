import { type ModeWalkthrough } from '../mode-walkthrough.js'

export const ipvsWalkthrough: ModeWalkthrough = {
  clusterIPText:
    'Here every node has that address, on an interface of its own (kube-ipvs0), so that packets for it come to where the ' +
    "kernel's load balancer (IPVS) sees them.",
  rulesText:
    `For each port of each Service there is a virtual server, and behind it a real server for each Pod: kube-proxy only says which. ` +
    `The kernel gives each connection the next one ("rr", round robin), and counts.`,
  rulesCommand: 'ipvsadm -L -n --stats',
  readRules: async node => (await node.run('ipvsadm', ['-L', '-n', '--stats'])).stdout.trimEnd(),
  async readCount(node, { clusterIP, port, protocol }) {
    const { stdout } = await node.run('ipvsadm', ['-L', '-n', '--stats', '--exact'])
    const row = stdout.split('\n').find(line => line.startsWith(protocol) && line.includes(` ${clusterIP}:${port} `))
    return Number(row?.trim().split(/\s+/)[2] ?? 0)
  },
  // The kernel adds up what its processors have counted every two seconds.
  counterDelayMs: 10_000,
  counterText: 'IPVS has counted connections, packets and bytes. (It adds them up every two seconds.)',
  counterName: 'the virtual server',
  balancingText: 'The kernel has the Pods take turns.',
  isRoundRobin: true,
  clientAddressText:
    'The Pods saw the client itself: the kernel changed where packets go to, and nobody stands in between.',
  deadPodText:
    'The kernel does not ask whether a Pod is alive: as long as its endpoint is listed, some clients are led to it, and are refused.',
  losesRequestsToDeadPods: true,
  scaleUpText: 'not one rule has changed: the virtual server has two real servers more',
  scaleUpChangesRules: false,
  noEndpointsText: 'The virtual server has no real server left, and the kernel refuses.',
  udpText:
    'the kernel takes all datagrams from one address and port of a client as one flow, and gives each flow a Pod.',
  syncSigns: { verbosity: 4, endpointsAreLogged: false, kernelWritten: /"Synced virtual servers" family="IPv4"/ },
  suggestions: [
    ['connections, by IPVS', 'ipvsadm -L -n -c'],
    ['addresses of Services', 'ip address show kube-ipvs0'],
    ['what rules ask', 'ipset list | grep -A 12 KUBE-CLUSTER-IP'],
  ],
}

import { type ModeStory } from './mode-story.js'
import { natChains, natPackets } from './nat-chains.js'

/** Chains whose rules the learner looks at; those of the last kind are there when a Service has many ports. */
const CHAINS = /^(PREROUTING|OUTPUT|KUBE-PORTALS-CONTAINER|KUBE-PORTALS-HOST|KUBE-ADDR-\S+)$/

export const userspaceStory: ModeStory = {
  mode: 'userspace',
  address: 'No interface anywhere has that address. It is kube-proxy that makes it work.',
  rules:
    `For each port of each Service, kube-proxy listens on a port of the node, and writes one rule for packets that come in ` +
    `(KUBE-PORTALS-CONTAINER) and one for the node's own (KUBE-PORTALS-HOST): what goes to the cluster IP is turned to that port. ` +
    `(In the column "prot", 6 is TCP and 17 is UDP; "pkts" counts the packets that met the rule.)`,
  command: 'iptables -t nat -L -n -v',
  show: async node => (await natChains(node, CHAINS)).join('\n'),
  counted: (node, service, port) => natPackets(node, CHAINS, service, port),
  countsLateMs: 0,
  counting: 'The kernel has counted. (Only the first packet of a connection is led by rules; the rest follows it.)',
  counter: 'the rule',
  choice: 'The Pods take turns.',
  takesTurns: true,
  seen: 'The Pods saw 10.244.0.1, the node, not the client: kube-proxy in userspace makes a connection of its own to the Pod.',
  death: 'Where kube-proxy finds it dead, it tries the next Pod, and the client notices nothing.',
  losesToTheDead: false,
  change: 'not one rule has changed: endpoints are known to kube-proxy alone',
  changesRules: false,
  nobody:
    'There is nobody to hand a connection to, so kube-proxy closes its listener, and the kernel refuses for it. ' +
    'The rule stays: the first Pod that comes back is served at once.',
  flows: 'kube-proxy takes all datagrams from one address and port of a client as one flow, and gives each flow a Pod.',
  tries: [
    ['what kube-proxy counts', 'curl -s localhost:10249/metrics | grep userspace'],
    ['connections, while they last', 'ss -tn'],
  ],
}

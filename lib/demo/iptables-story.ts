import { type ModeStory } from './mode-story.js'
import { natChains, natPackets } from './nat-chains.js'

const CHAINS = /^KUBE-(SERVICES|SVC-\S+|SEP-\S+)$/
/** Chains in the order in which a packet meets them. */
const ORDER = ['KUBE-SERVICES', 'KUBE-SVC-', 'KUBE-SEP-']

export const iptablesStory: ModeStory = {
  mode: 'iptables',
  address: 'No interface anywhere has that address. It is kube-proxy that makes it work: here by rules alone.',
  rules:
    `In KUBE-SERVICES there is one rule for each port of each Service, which leads what goes to its cluster IP to a chain of its own ` +
    `(KUBE-SVC-…). There the kernel throws dice: of three Pods the first is taken with probability 1/3, the second of the rest with 1/2, ` +
    `else the third. Each has a chain (KUBE-SEP-…) that turns the packet straight to the Pod (DNAT). ` +
    `(In the column "prot", 6 is TCP and 17 is UDP; "pkts" counts the packets that met the rule.)`,
  command: 'iptables -t nat -L -n -v',
  show: async node => (await natChains(node, CHAINS)).sort((a, b) => placeOf(a) - placeOf(b)).join('\n'),
  counted: (node, service, port) => natPackets(node, /^KUBE-SERVICES$/, service, port),
  countsLateMs: 0,
  counting: 'The kernel has counted. (Only the first packet of a connection is led by rules; the rest follows it.)',
  counter: 'the rule in KUBE-SERVICES',
  choice: 'The kernel chooses a Pod for each by chance.',
  takesTurns: false,
  seen: 'The Pods saw the client itself: the kernel changed where packets go to, and nobody stands in between.',
  death:
    'The kernel does not ask whether a Pod is alive: as long as its endpoint is listed, some clients are led to it, and are refused.',
  losesToTheDead: true,
  change: 'the rules have changed: each endpoint has a chain, and the dice of its Service are others',
  changesRules: true,
  nobody: 'There is nobody to lead a connection to, so a rule in table filter refuses it.',
  flows:
    'the kernel takes all datagrams from one address and port of a client as one flow, and throws dice for each flow.',
  tries: [
    ['what refuses without Pods', 'iptables -t filter -L KUBE-SERVICES -n -v'],
    ['what the kernel remembers', 'conntrack -L'],
  ],
}

function placeOf(chain: string): number {
  return ORDER.findIndex(name => chain.trimStart().startsWith(`Chain ${name}`))
}

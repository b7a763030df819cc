import { SYNC_TIMEOUT_MS } from '../contenders/kernel-proxy.js'
import { IPTABLES_CONTENDERS } from '../contenders/kernel-contenders.js'
import { IPTABLES_LOADS } from '../loads/iptables-and-ipvs-loads.js'
import { IPTABLES_TARGETS } from '../report/iptables-and-ipvs-targets.js'
import { type Results } from '../report/results.js'
import { EQUALITY_NOTE, type Suite } from './suite.js'

/** iptables mode compared with the original in the same mode. ipvs mode has its own suite, which needs a kernel with IPVS. */
export const IPTABLES_SUITE: Suite = {
  command: 'npm run bench -- kernel',
  contenders: IPTABLES_CONTENDERS,
  loads: IPTABLES_LOADS,
  targets: IPTABLES_TARGETS,
  programs: [
    ['iptables', '--version'],
    ['wrk', '-v'],
    ['iperf3', '--version'],
  ],
  page: {
    title: 'iptables mode',
    results: 'bench/results/iptables.json',
    path: 'docs/kernel-modes-benchmark.md',
    picture: 'docs/kernel-modes-benchmark.svg',
    altText: 'Syncs and data path of iptables mode, ours and the original',
    panels: [
      ['full-sync-1000', 'sync'],
      ['one-change-1000', 'effect'],
      ['full-sync-5000', 'sync'],
      ['one-change-5000', 'effect'],
      ['full-sync-10000', 'sync'],
      ['one-change-10000', 'effect'],
      ['full-sync-5000', 'memory'],
      ['new-connections-5000', 'rate'],
      ['keep-alive', 'rate'],
      ['new-connections', 'rate'],
      ['bulk-to-pod-1', 'rate'],
      ['bulk-from-pod-1', 'rate'],
    ],
    targetsNote: `${EQUALITY_NOTE} The line \`iptables\` of the table below names the flavour that is the default of this machine.`,
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `A client, a node and Pods in network namespaces; each contender has such a place of its own, with an API server on the
node's loopback. Each takes its turn, round after round (A B A B …); ${rounds} rounds, or three where rules are synced and one at the largest size, in ${Math.ceil(seconds / 60)} minutes.
A table shows the median of the rounds and, after ±, half of the distance between their quartiles; lines in the picture show their whole
range. A contender whose turn took more than a minute takes no more turns of that kind, and has no ±. Nothing is waited
for longer than ${SYNC_TIMEOUT_MS / 1000} s: what took longer is written with a >.

Both programs run with \`--iptables-min-sync-period=0s\`, so that a change is carried out at once, and \`--iptables-sync-period=1h\`, so that
no sync comes between of its own accord. The original reads Endpoints and ours EndpointSlices of the same endpoints. A sync's own
time is what the program logs of it. The time to the packet is that of a client that connects to the Service every 2 ms, or, after
long waiting, every 50: until it begins the first connection that the right Pod answers. CPU is user and system time of the
program and of all that it ran (iptables-restore), memory the PSS of its processes. The original's first
sync after a start may know but a part of the Services. So after each sync the addresses of all are looked for in what iptables-save
prints: the full sync is the first after which they are there.`
}

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
    altText: 'Syncs and data path of iptables mode, this proxy and the original',
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
    targetsNote: `${EQUALITY_NOTE} The line \`iptables\` of the table below names the default variant of this machine.`,
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `The testbed is a client, a node and Pods in network namespaces. Each contender has its own testbed, with an API server on the
node's loopback. The contenders take turns, round after round (A B A B …): ${rounds} rounds, but three for syncs of rules and one for the largest size, in ${Math.ceil(seconds / 60)} minutes.
A table shows the median of the rounds and, after ±, half of the distance between their quartiles. Lines in the picture show the full
range. A contender whose turn took more than a minute gets no more turns of that kind, and has no ±. Each wait
ends after ${SYNC_TIMEOUT_MS / 1000} s: a longer time is written with a >.

Both programs run with \`--iptables-min-sync-period=0s\`, so that they apply a change at once, and \`--iptables-sync-period=1h\`, so that
no periodic sync disturbs the measurement. The original reads Endpoints, and this proxy EndpointSlices, of the same endpoints. The time of
a sync is the one that the program logs. The time to the packet is measured by a client that connects to the Service every 2 ms, or, after
a long wait, every 50 ms: it ends when the client starts the first connection that the right Pod answers. CPU is user and system time of the
program and its child processes (iptables-restore); memory is the PSS of its processes. The first sync of
the original after a start can contain only a part of the Services. So after each sync the benchmark searches the addresses of all Services in the output of
iptables-save: the full sync is the first one after which all are there.`
}

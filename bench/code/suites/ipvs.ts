import { IPVS_CONTENDERS } from '../contenders/kernel-contenders.js'
import { IPVS_LOADS } from '../loads/iptables-and-ipvs-loads.js'
import { IPVS_TARGETS } from '../report/iptables-and-ipvs-targets.js'
import { type Results } from '../report/results.js'
import { EQUALITY_NOTE, type Suite } from './suite.js'

/** The data path of ipvs mode, compared with the original in the same mode. */
export const IPVS_SUITE: Suite = {
  command: 'npm run bench -- ipvs',
  contenders: IPVS_CONTENDERS,
  loads: IPVS_LOADS,
  targets: IPVS_TARGETS,
  programs: [
    ['ipvsadm', '--version'],
    ['ipset', '--version'],
    ['wrk', '-v'],
    ['iperf3', '--version'],
  ],
  page: {
    title: 'The data path of ipvs mode',
    results: 'bench/results/ipvs.json',
    path: 'docs/ipvs-benchmark.md',
    picture: 'docs/ipvs-benchmark.svg',
    altText: 'The data path of ipvs mode, this proxy and the original',
    panels: IPVS_LOADS.map(({ name }) => [name, 'rate']),
    targetsNote: EQUALITY_NOTE,
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `The testbed is a client, a node and Pods in network namespaces. Each contender has its own testbed, with an API server on the
node's loopback. The contenders take turns, round after round (A B A B …): ${rounds} rounds, in ${Math.ceil(seconds / 60)} minutes. A table
shows the median of the rounds and, after ±, half of the distance between their quartiles. Lines in the picture show the full range.
The programs are stopped (SIGSTOP) during a sample: the kernel carries the load alone.

If the kernel of the machine has no IPVS, everything runs in a virtual machine whose kernel has it, and whose processors are
emulated. Its rates are much lower than those of the machine, for all contenders, and mean nothing by themselves: compare
only one contender with another.`
}

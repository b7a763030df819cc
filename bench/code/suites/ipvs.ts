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
    altText: 'The data path of ipvs mode, ours and the original',
    panels: IPVS_LOADS.map(({ name }) => [name, 'rate']),
    targetsNote: EQUALITY_NOTE,
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `A client, a node and Pods in network namespaces; each contender has such a place of its own, with an API server on the
node's loopback. Each takes its turn, round after round (A B A B …); ${rounds} rounds, in ${Math.ceil(seconds / 60)} minutes. A table
shows the median of the rounds and, after ±, half of the distance between their quartiles; lines in the picture show their whole range.
While a sample is taken the programs are stopped (SIGSTOP): the kernel carries the load alone.

Where the kernel of the machine has no IPVS, all of this happens in a virtual machine whose kernel has it, and whose processors are
emulated: its rates are a small part of those of the machine, for all contenders alike, and say nothing by themselves. What can be
compared is one contender with another.`
}

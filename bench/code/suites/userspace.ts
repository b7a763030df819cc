import { ALL_CONTENDERS } from '../contenders/all-contenders.js'
import { ALL_LOADS } from '../loads/all-loads.js'
import { type Results } from '../report/results.js'
import { USERSPACE_TARGETS } from '../report/targets.js'
import { type Suite } from './suite.js'

/** Userspace mode, compared with other proxies that forward connections in their own process. */
export const USERSPACE_SUITE: Suite = {
  command: 'npm run bench',
  contenders: ALL_CONTENDERS,
  loads: ALL_LOADS,
  targets: USERSPACE_TARGETS,
  programs: [
    ['wrk', '-v'],
    ['iperf3', '--version'],
    ['sockperf', '--version'],
  ],
  page: {
    title: 'Benchmarks',
    results: 'bench/results/userspace.json',
    path: 'docs/benchmarks.md',
    picture: 'docs/benchmarks.svg',
    altText: 'Ours and others, by what they do with one CPU-second',
    panels: [
      ['keep-alive', 'perCpu'],
      ['new-connections', 'perCpu'],
      ['bulk-to-pod-1', 'perCpu'],
      ['bulk-from-pod-1', 'perCpu'],
      ['udp-offered', 'perCpu'],
      ['one-at-a-time', 'p50'],
      ['idle-connections', 'memory'],
      ['programming-1000', 'fromList'],
    ],
    targetsNote: 'In brackets: against the contender that the stretch is about.',
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `A client, a node and Pods in network namespaces; each contender has such a place of its own. The same load goes through
each in turn, round after round (A B C A B C …); ${rounds} rounds, in ${Math.ceil(seconds / 60)} minutes. A table shows the
median of the rounds and, after ±, half of the distance between their quartiles; lines in the picture show their whole range. All contenders but \`direct\` are reached through a ClusterIP.

Client, contender and Pods share the CPUs, so that rates say little about a machine where they do not. **Work per CPU-second**
counts: what was done, divided by user and system time of all processes of the contender (/proc/PID/stat), those that it
ran and that have ended too. What the kernel does in interrupts counts for whoever was running just then, as always.
HAProxy has one thread and nginx one worker, since the others are single processes too.`
}

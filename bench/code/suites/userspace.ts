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
    altText: 'This proxy and others, by their work per CPU-second',
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
    targetsNote: 'In brackets: compared with the contender of the stretch target.',
    describeMethod,
  },
}

function describeMethod({ rounds, seconds }: Results): string {
  return `The testbed is a client, a node and Pods in network namespaces. Each contender has its own testbed. The same load runs through
each in turn, round after round (A B C A B C …): ${rounds} rounds, in ${Math.ceil(seconds / 60)} minutes. A table shows the
median of the rounds and, after ±, half of the distance between their quartiles. Lines in the picture show the full range. The client reaches all contenders except \`direct\` through a ClusterIP.

Client, contender and Pods share the CPUs, so the rates do not hold for machines where they do not. **Work per CPU-second**
matters: the amount of work, divided by user and system time of all processes of the contender (/proc/PID/stat), including
exited child processes. As always, the kernel charges interrupts to the process that runs at that time.
HAProxy has one thread and nginx one worker, because the others are single processes too.`
}

import { type ContenderName } from '../contenders/contender.js'
import { ProcessTree } from '../measure/process-tree.js'
import { type Load } from './load.js'
import { findMissingAddresses } from '../testbed/missing-addresses.js'

/** Endpoints of each Service. */
const ENDPOINTS = 3

/** Measures the time from the start to the last rule. */
function makeProgrammingLoad(services: number, contenders: readonly ContenderName[], leftOut: string): Load {
  const many = services.toLocaleString('en')
  return {
    name: `programming-${services}`,
    title: `Programming ${many} Services`,
    description:
      `The time from the start, with an API server that has ${many} Services with ${ENDPOINTS} endpoints each, to the last ` +
      'rule. Kernel DNAT is one iptables-restore of the same number of rules.',
    metrics: [
      { name: 'fromList', title: 'first list to last rule', unit: 's', better: 'lower', digits: 2 },
      { name: 'fromStart', title: 'start of the process to last rule', unit: 's', better: 'lower', digits: 2 },
      { name: 'cpu', title: 'CPU', unit: 'CPU-s', better: 'lower', digits: 2 },
      { name: 'memory', title: 'memory afterwards', unit: 'MB', better: 'lower', digits: 1 },
    ],
    seconds: 1,
    contenders,
    exclusionNote: leftOut,
    async takeSample(stage) {
      const running = await stage.restart({ services, endpoints: ENDPOINTS })
      const { startedAt, listedAt, programmedAt } = await running.waitUntilProgrammed()
      const fromStart = (programmedAt - startedAt) / 1000
      const tree = new ProcessTree(running.pids)
      const process =
        listedAt === undefined
          ? {}
          : { fromList: (programmedAt - listedAt) / 1000, cpu: tree.cpuSeconds(), memory: tree.pssBytes() / 1e6 }
      return { values: { fromStart, ...process }, errors: await findMissingAddresses(stage.site, services) }
    },
  }
}

const EXCLUSION_NOTE = 'HAProxy and nginx do not support Services, and `direct` has no Service.'

export const programmingLoads: readonly Load[] = [
  makeProgrammingLoad(1000, ['dnat', 'kube-proxy-node', 'original'], EXCLUSION_NOTE),
  makeProgrammingLoad(
    5000,
    ['dnat', 'kube-proxy-node'],
    `${EXCLUSION_NOTE} The original runs one iptables per rule, on growing lists: it would take longer than all other loads together.`,
  ),
]

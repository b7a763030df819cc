import { ProgramLog } from '../../../lib/demo/program-log.js'
import { type NodeNetwork } from '../../../test/support/nodes/node-network.js'
import { ProxyProcess } from '../../../test/support/processes/proxy-process.js'
import { ipvsUnavailable } from '../contenders/ipvs-unavailable.js'
import { originalUnavailableReason, startOriginal } from '../contenders/original-program.js'
import { type BenchApi, NODE_NAME } from '../testbed/bench-api.js'
import { MeasuredProxy } from './measured-proxy.js'
import { type ServedBy } from './watch/rule-watch.js'

/** How long open connections may continue after SIGTERM. Shorter than the default of 25 s, so that all cases take minutes. */
export const DRAIN_SECONDS = 10
/** With it, the kernel serves after the proxy was killed. */
const KERNEL_FLAG = '--on-exit=kernel'
const LOG_TIMEOUT_MS = 60_000

/** A program with the flags of one column of the report. */
export interface Setup {
  readonly name: string
  readonly title: string
  /** Whether it has data-plane workers. */
  readonly hasWorkers: boolean
  /** Whether sockets of the proxy carry the traffic, so that it ends with them. */
  readonly carriesTraffic: boolean
  /** Whether it differs from another one only when processes are killed. */
  readonly isForKills: boolean
  /** Whether the promises of this project are about it. */
  readonly isJudged: boolean
  /** What leads new clients in the kernel. */
  readonly servesBy: ServedBy
  /** The reason why it cannot take part on this machine; undefined if it can. */
  unavailableReason(): string | undefined
  start(network: NodeNetwork, api: BenchApi): MeasuredProxy
}

function thisProxy(name: string, title: string, mode: string, args: readonly string[]): Setup {
  const hasWorkers = mode === 'userspace'
  return {
    name,
    title,
    hasWorkers,
    carriesTraffic: hasWorkers,
    isForKills: args.includes(KERNEL_FLAG),
    isJudged: true,
    servesBy: mode === 'ipvs' ? 'virtual servers' : 'rules',
    unavailableReason: mode === 'ipvs' ? ipvsUnavailable : () => undefined,
    start(network, api) {
      const needed = [
        '--master',
        api.url,
        '--hostname-override',
        NODE_NAME,
        `--drain-timeout=${DRAIN_SECONDS}s`,
        '-v=2',
      ]
      const proxy = new ProxyProcess(network, [...needed, '--on-exit=auto', ...args], process.env, network.node, mode)
      return new MeasuredProxy(proxy.child, proxy, /"Synced rules" family="IPv4"/)
    },
  }
}

/** Kubernetes' own kube-proxy 1.20 in userspace mode. */
const original: Setup = {
  name: 'original',
  title: 'kube-proxy 1.20, userspace',
  hasWorkers: false,
  carriesTraffic: true,
  isForKills: false,
  isJudged: false,
  servesBy: 'rules',
  unavailableReason: originalUnavailableReason,
  start(network, api) {
    // Otherwise it does not log the rules that it writes.
    const args = ['--vmodule=proxier=3']
    const site = { startOnNode: network.start.bind(network, network.node) }
    const { child } = startOriginal(site, 'userspace', api.url, { args })
    const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
    const waitForLine = (pattern: RegExp): Promise<string> => log.waitFor(pattern)
    return new MeasuredProxy(child, { lines: log.lines, waitForLine }, /Opened iptables from-host portal for service/)
  },
}

/** The setup that needs IPVS in the kernel. */
export const IPVS_SETUP = thisProxy('ipvs', 'ipvs', 'ipvs', [])

/** All programs and flags, in the order of the report. */
export const SETUPS: readonly Setup[] = [
  thisProxy('userspace-1', 'userspace, 1 worker', 'userspace', ['--data-plane-workers=1']),
  thisProxy('userspace-2', 'userspace, 2 workers', 'userspace', ['--data-plane-workers=2']),
  thisProxy('userspace-kernel', 'userspace, `--on-exit=kernel`', 'userspace', [KERNEL_FLAG]),
  thisProxy('iptables', 'iptables', 'iptables', []),
  IPVS_SETUP,
  original,
]

import { type BenchApi } from '../testbed/bench-api.js'
import { type BenchService, type ClusterSize } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'

/** The contenders in comparisons of userspace mode, in the order of their turns. */
export const USERSPACE_CONTENDER_NAMES = ['direct', 'dnat', 'kube-proxy-node', 'haproxy', 'nginx', 'original'] as const

/** Both programs in iptables mode, with both variants of iptables. */
export const IPTABLES_CONTENDER_NAMES = [
  'kube-proxy-node-iptables-nft',
  'original-iptables-nft',
  'kube-proxy-node-iptables-legacy',
  'original-iptables-legacy',
] as const

/** The contenders for traffic in comparisons of iptables mode, in the order of their turns. */
export const IPTABLES_DATA_PATH_NAMES = ['direct', 'kube-proxy-node', ...IPTABLES_CONTENDER_NAMES] as const

/** The same for ipvs mode. */
export const IPVS_DATA_PATH_NAMES = [
  'direct',
  'kube-proxy-node-iptables-nft',
  'kube-proxy-node-ipvs',
  'original-ipvs',
] as const

export type ContenderName =
  | (typeof USERSPACE_CONTENDER_NAMES)[number]
  | (typeof IPTABLES_DATA_PATH_NAMES)[number]
  | (typeof IPVS_DATA_PATH_NAMES)[number]

export interface Address {
  readonly ip: string
  readonly port: number
}

/** The times of a contender's progress with its rules, in milliseconds since 1970. */
export interface ProgrammingTimes {
  /** The start of its process. */
  readonly startedAt: number
  /** The request for the first list; undefined for contenders without API server. */
  readonly listedAt: number | undefined
  /** The last rule exists. */
  readonly programmedAt: number
}

/** One way to get from a client to the Pods of a Service. */
export interface Contender {
  readonly name: ContenderName
  readonly title: string
  /** The reason why it cannot take part on this machine, and the remedy; undefined if it can. */
  unavailableReason(): string | undefined
  /** Its version for the results; undefined if it has none. */
  version(): string | undefined
  /** Starts it on the node; resolves when it serves at least `WEB`. */
  start(site: Testbed, size: ClusterSize): Promise<RunningContender>
}

/** A running contender. */
export interface RunningContender {
  /** Its processes; empty if the kernel does all the work. */
  readonly pids: readonly number[]
  /** The address of a Service for clients; undefined for an unsupported protocol. */
  addressOf(service: BenchService): Address | undefined
  /** Resolves when all rules exist. */
  waitUntilProgrammed(): Promise<ProgrammingTimes>
  /** Its API server, if it has one: to change endpoints. */
  readonly api: BenchApi | undefined
  stop(): Promise<void>
}

/** The address of the Service itself. */
export function clusterIPAddress({ clusterIP, port }: BenchService): Address {
  return { ip: clusterIP, port }
}

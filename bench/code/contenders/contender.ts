import { type BenchApi } from '../testbed/bench-api.js'
import { type BenchService, type ClusterSize } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'

/** Those that userspace mode is compared with, in the order in which they take their turns. */
export const USERSPACE_CONTENDER_NAMES = ['direct', 'dnat', 'ours', 'haproxy', 'nginx', 'original'] as const

/** Both programs in iptables mode, with both flavours of iptables. */
export const IPTABLES_CONTENDER_NAMES = [
  'ours-iptables-nft',
  'original-iptables-nft',
  'ours-iptables-legacy',
  'original-iptables-legacy',
] as const

/** Those that carry traffic where iptables modes are compared, in the order in which they take their turns. */
export const IPTABLES_DATA_PATH_NAMES = ['direct', 'ours', ...IPTABLES_CONTENDER_NAMES] as const

/** The same where ipvs modes are. */
export const IPVS_DATA_PATH_NAMES = ['direct', 'ours-iptables-nft', 'ours-ipvs', 'original-ipvs'] as const

export type ContenderName =
  | (typeof USERSPACE_CONTENDER_NAMES)[number]
  | (typeof IPTABLES_DATA_PATH_NAMES)[number]
  | (typeof IPVS_DATA_PATH_NAMES)[number]

export interface Address {
  readonly ip: string
  readonly port: number
}

/** When a contender had got how far with its rules, in milliseconds since 1970. */
export interface ProgrammingTimes {
  /** Its process was started. */
  readonly startedAt: number
  /** It asked for the first list; undefined for those that ask nobody. */
  readonly listedAt: number | undefined
  /** The last rule was there. */
  readonly programmedAt: number
}

/** One way to get from a client to the Pods of a Service. */
export interface Contender {
  readonly name: ContenderName
  readonly title: string
  /** Why it cannot take part on this machine, and what would help; undefined when it can. */
  unavailableReason(): string | undefined
  /** Its version, as results should name it; undefined for what has none of its own. */
  version(): string | undefined
  /** Starts it on the node; resolves when it has begun to serve `WEB` at the least. */
  start(site: Testbed, size: ClusterSize): Promise<RunningContender>
}

/** A contender at work. */
export interface RunningContender {
  /** The processes that were started for it; none where the kernel does all the work. */
  readonly pids: readonly number[]
  /** Where clients reach a Service; undefined for a protocol it does not carry. */
  addressOf(service: BenchService): Address | undefined
  /** Resolves when all rules are there. */
  waitUntilProgrammed(): Promise<ProgrammingTimes>
  /** The API server it watches, where it watches one: to change endpoints. */
  readonly api: BenchApi | undefined
  stop(): Promise<void>
}

/** Through the Service's own address. */
export function clusterIPAddress({ clusterIP, port }: BenchService): Address {
  return { ip: clusterIP, port }
}

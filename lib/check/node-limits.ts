import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type ConntrackConfig } from '../config/kube-proxy-config.js'
import { usableDescriptors } from '../dataplane/limits/usable-descriptors.js'
import { desiredTableSize } from '../system/conntrack-settings.js'
import { MOUNTED_SYSCTLS } from '../system/kernel-files.js'
import { readConntrackUsage } from '../system/conntrack-usage.js'
import { readUdpPorts } from '../system/node-resources.js'
import { readDescriptorLimit } from '../system/process-usage.js'
import { type LimitReport } from './node-report.js'

/** Below this number of open files, a busy node may run out of them. */
const FEW_FILES = 8192
/** Below this number of entries, a busy node may run out of them; kube-proxy's default is 32,768 for each CPU and at least this. */
const FEW_FLOWS = 131_072
/** Below this number of source ports, connections to one endpoint may run out of them. */
const FEW_PORTS = 16_384
/** A connection has a socket to its client and one to its endpoint. */
const DESCRIPTORS_PER_CONNECTION = 2

/** What the node says about its limits. */
export interface LimitFacts {
  /** The most open files of a process. */
  readonly files: number
  /** Entries of connection tracking, and how many there may be; undefined: the kernel does not say. */
  readonly conntrack: { readonly entries: number; readonly limit: number } | undefined
  /** How many source ports there are; undefined: the kernel does not say. */
  readonly ports: number | undefined
  /** Whether this process may write settings of the kernel. */
  readonly mayWriteSettings: boolean
  readonly cpuCount: number
}

/** What limits the proxy on this node, as it is now. */
export function readNodeLimits(config: ConntrackConfig): readonly LimitReport[] {
  const facts: LimitFacts = {
    files: readDescriptorLimit(),
    conntrack: readConntrackUsage(),
    ports: readUdpPorts()?.total,
    mayWriteSettings: isWritable(),
    cpuCount: cpus().length,
  }
  return describeLimits(facts, config)
}

/** Says what the limits mean for a proxy with this configuration, and what to do about low ones. */
export function describeLimits(facts: LimitFacts, config: ConntrackConfig): readonly LimitReport[] {
  const { files, conntrack, ports } = facts
  const connections = Math.floor(usableDescriptors(files, 0) / DESCRIPTORS_PER_CONNECTION)
  return [
    {
      limit: 'open files of a process',
      value: files,
      meaning: `userspace mode: about ${connections.toLocaleString('en')} connections in each worker process`,
      advice: files < FEW_FILES ? `Raise the hard limit (ulimit -Hn, LimitNOFILE=) to ${FEW_FILES} or more` : null,
    },
    {
      limit: 'conntrack entries',
      value: conntrack?.limit ?? null,
      meaning: conntrack === undefined ? 'the kernel does not say' : `${conntrack.entries} in use now`,
      advice: (conntrack?.limit ?? FEW_FLOWS) < FEW_FLOWS ? adviseConntrack(facts, config) : null,
    },
    {
      limit: 'source ports',
      value: ports ?? null,
      meaning: 'connections at a time from this node to one endpoint',
      advice: (ports ?? FEW_PORTS) < FEW_PORTS ? 'Set net.ipv4.ip_local_port_range to a wider range on the node' : null,
    },
  ]
}

function adviseConntrack({ mayWriteSettings, cpuCount }: LimitFacts, config: ConntrackConfig): string {
  if (!mayWriteSettings) return 'Raise net.netfilter.nf_conntrack_max on the node; this process may not'
  const desired = desiredTableSize(config, cpuCount) ?? 0
  return desired < FEW_FLOWS
    ? `Raise net.netfilter.nf_conntrack_max on the node to ${FEW_FLOWS} or more: the proxy does not, with these values of --conntrack-max-per-core and --conntrack-min`
    : `The proxy raises it to ${desired} at its start; see --conntrack-max-per-core and --conntrack-min`
}

function isWritable(): boolean {
  try {
    return parseSettingsAccess(readFileSync('/proc/self/mounts', 'utf8'))
  } catch {
    return false
  }
}

/**
 * Whether processes that see these mounts may write settings of the kernel: /proc/sys is mounted read-only in containers that are not
 * privileged, but those of the network may have another mount.
 * @param mounts the text of `/proc/self/mounts`, in which a later mount hides an earlier one
 */
export function parseSettingsAccess(mounts: string): boolean {
  const options = new Map(
    mounts.split('\n').map(line => {
      const [, place, , list = ''] = line.split(' ')
      return [place, list.split(',')]
    }),
  )
  return (options.get(MOUNTED_SYSCTLS) ?? options.get('/proc/sys'))?.includes('ro') !== true
}

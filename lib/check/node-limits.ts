import { readFileSync } from 'node:fs'
import { usableDescriptors } from '../dataplane/limits/usable-descriptors.js'
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

/** What limits the proxy on this node, as it is now. */
export function readNodeLimits(): readonly LimitReport[] {
  const files = readDescriptorLimit()
  const connections = Math.floor(usableDescriptors(files, 0) / DESCRIPTORS_PER_CONNECTION)
  const conntrack = readConntrackUsage()
  const ports = readUdpPorts()
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
      advice: (conntrack?.limit ?? FEW_FLOWS) < FEW_FLOWS ? adviseConntrack() : null,
    },
    {
      limit: 'source ports',
      value: ports?.total ?? null,
      meaning: 'connections at a time from this node to one endpoint',
      advice:
        (ports?.total ?? FEW_PORTS) < FEW_PORTS
          ? 'Set net.ipv4.ip_local_port_range to a wider range on the node'
          : null,
    },
  ]
}

function adviseConntrack(): string {
  return isWritable()
    ? 'The proxy raises it at its start; see --conntrack-max-per-core and --conntrack-min'
    : 'Raise net.netfilter.nf_conntrack_max on the node; this process may not'
}

/** /proc/sys is mounted read-only in containers that are not privileged. */
function isWritable(): boolean {
  try {
    return readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .every(line => !/ \/proc\/sys \S+ (\S+,)?ro(,| )/.test(line))
  } catch {
    return false
  }
}

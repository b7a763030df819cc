import { release } from 'node:os'
import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelFiles, kernelFiles } from './kernel-files.js'
import { parseKernelRelease } from './kernel-release.js'

interface IpvsSetting {
  /** Below /proc/sys/net/ipv4. */
  readonly file: string
  readonly value: number
  /** What fails without it. */
  readonly consequence: string
}

const SYSCTLS = '/proc/sys/net/ipv4/'

/** Since this version the kernel handles reused ports correctly, and kube-proxy does not change the setting either. */
const CONN_REUSE_FIXED_SINCE = [5, 9] as const

/**
 * The kernel's settings for ipvs mode, as in kube-proxy.
 * @param kernel release of the kernel, such as `6.1.0-18-amd64`
 * @param strictArp answer ARP for an address only on its own interface, for load balancers that announce addresses by ARP
 */
export function ipvsSettings(kernel: string, strictArp: boolean): readonly IpvsSetting[] {
  return [
    { file: 'ip_forward', value: 1, consequence: 'packets do not reach Pods and endpoints on other nodes' },
    {
      file: 'vs/conntrack',
      value: 1,
      consequence: 'the kernel does not masquerade, and answers may not reach clients',
    },
    ...(isOlderThan(kernel, CONN_REUSE_FIXED_SINCE)
      ? [{ file: 'vs/conn_reuse_mode', value: 0, consequence: 'a client that reuses a port waits a second' }]
      : []),
    {
      file: 'vs/expire_nodest_conn',
      value: 1,
      consequence: 'clients of a removed endpoint wait for their timeout',
    },
    {
      file: 'vs/expire_quiescent_template',
      value: 1,
      consequence: 'with session affinity, new connections go to terminating endpoints',
    },
    ...(strictArp
      ? [
          { file: 'conf/all/arp_ignore', value: 1, consequence: 'this node answers ARP for addresses of Services' },
          { file: 'conf/all/arp_announce', value: 2, consequence: 'this node announces addresses of Services by ARP' },
        ]
      : []),
  ]
}

/** Writes the settings. A failed write is a warning with its consequence, and not fatal. */
export function applyIpvsSettings(
  strictArp: boolean,
  log: Log,
  files: KernelFiles = kernelFiles,
  kernel: string = release(),
): void {
  for (const { file, value, consequence } of ipvsSettings(kernel, strictArp)) {
    if (files.read(SYSCTLS + file) === value) continue
    const setting = `net/ipv4/${file}=${value}`
    try {
      files.write(SYSCTLS + file, value)
      log.info(0, 'Wrote a kernel setting for ipvs mode', { setting })
    } catch (error) {
      const reason = systemCode(error) ?? messageOf(error)
      log.warn('Cannot write a kernel setting for ipvs mode', {
        setting,
        reason,
        without: consequence,
        hint: 'Set it on the node',
      })
    }
  }
}

/** A kernel whose release has no version counts as a new one: its setting stays as the node has it. */
function isOlderThan(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const release = parseKernelRelease(kernel)
  return release !== undefined && (release.major < major || (release.major === major && release.minor < minor))
}

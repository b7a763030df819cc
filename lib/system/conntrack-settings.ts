import { cpus } from 'node:os'
import { type ConntrackConfig } from '../config/kube-proxy-config.js'
import { messageOf, systemCode } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type KernelFiles, type KernelWrite, kernelFiles } from './kernel-files.js'

/** The settings that were written, and those that could not be. */
export interface AppliedSettings {
  readonly written: readonly KernelWrite[]
  readonly failed: readonly KernelWrite[]
}

const SYSCTLS = '/proc/sys/net/netfilter/'
/** Buckets of the hash table. One for the machine: the kernel accepts a write only from its first network namespace. */
export const HASHSIZE_FILE = '/sys/module/nf_conntrack/parameters/hashsize'
/** The kernel reads these numbers as signed 32-bit integers. */
const MAX_INT = 2 ** 31 - 1
/** Entries for each bucket, as in kube-proxy. */
const ENTRIES_PER_BUCKET = 4

/** How many entries the table should have at least; undefined: as many as the kernel says. */
export function desiredTableSize({ maxPerCore, min }: ConntrackConfig, cpuCount: number): number | undefined {
  return maxPerCore > 0 ? Math.min(MAX_INT, Math.max(min, maxPerCore * cpuCount)) : undefined
}

/**
 * Computes the writes that give the kernel the desired settings; none when it has them already.
 *
 * As in kube-proxy (cmd/kube-proxy/app/conntrack.go), a timeout replaces the kernel's, whether longer or shorter, and 0 keeps
 * the kernel's. The table grows but never shrinks: an administrator may have given it more room for a reason
 * (kubernetes/kubernetes#142035). `tcpBeLiberal: false` keeps the kernel's value, which another program may have set.
 *
 * Timeouts are whole seconds, rounded up. kube-proxy rounds down: 500ms becomes 0, and every entry expires at once.
 *
 * @param read returns the current value of a file
 */
export function computeConntrackWrites(
  desired: ConntrackConfig,
  cpuCount: number,
  read: (file: string) => number | undefined,
): KernelWrite[] {
  const writes: KernelWrite[] = []
  const set = (file: string, value: number): void => {
    if (read(file) !== value) writes.push({ file, value })
  }
  const raise = (file: string, value: number): void => {
    if ((read(file) ?? 0) < value) writes.push({ file, value })
  }
  const max = desiredTableSize(desired, cpuCount)
  if (max !== undefined) {
    raise(`${SYSCTLS}nf_conntrack_max`, max)
    raise(HASHSIZE_FILE, Math.floor(max / ENTRIES_PER_BUCKET))
  }
  for (const [name, ms] of [
    ['tcp_timeout_established', desired.tcpEstablishedTimeout],
    ['tcp_timeout_close_wait', desired.tcpCloseWaitTimeout],
    ['udp_timeout', desired.udpTimeout],
    ['udp_timeout_stream', desired.udpStreamTimeout],
  ] as const) {
    if (ms > 0) set(`${SYSCTLS}nf_conntrack_${name}`, Math.ceil(ms / 1000))
  }
  if (desired.tcpBeLiberal) set(`${SYSCTLS}nf_conntrack_tcp_be_liberal`, 1)
  return writes
}

/**
 * Writes the settings that differ. A failed write is a warning, one for each reason, and not fatal: the kernel's own settings
 * suffice until there are very many connections. (kube-proxy exits.)
 */
export function applyConntrackSettings(
  desired: ConntrackConfig,
  log: Log,
  files: KernelFiles = kernelFiles,
  cpuCount: number = cpus().length,
): AppliedSettings {
  const written: KernelWrite[] = []
  const failed: KernelWrite[] = []
  const reasons = new Map<string, string[]>()
  for (const write of computeConntrackWrites(desired, cpuCount, file => files.read(file))) {
    const setting = `${write.file.split('/').at(-1)}=${write.value}`
    try {
      files.write(write.file, write.value)
      written.push(write)
      log.info(0, 'Set conntrack', { setting })
    } catch (error) {
      failed.push(write)
      const reason = systemCode(error) ?? messageOf(error)
      reasons.set(reason, [...(reasons.get(reason) ?? []), setting])
    }
  }
  for (const [reason, settings] of reasons)
    log.warn('Cannot set conntrack; the kernel keeps its own values', {
      settings: settings.join(' '),
      reason,
      hint: "Set them on the node, or keep the kernel's values with 0 for the --conntrack flags",
    })
  return { written, failed }
}

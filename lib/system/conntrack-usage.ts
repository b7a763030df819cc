import { type KernelFiles, kernelFiles } from './kernel-files.js'

/** How much of the kernel's connection tracking is in use. */
export interface ConntrackUsage {
  /** Entries of this network namespace. */
  readonly entries: number
  /** Where the kernel begins to drop packets of new connections. */
  readonly limit: number
}

const FOLDER = '/proc/sys/net/netfilter/'

/** Reads the usage; undefined if this kernel has no connection tracking, or has not loaded it. */
export function readConntrackUsage(files: Pick<KernelFiles, 'read'> = kernelFiles): ConntrackUsage | undefined {
  const entries = files.read(`${FOLDER}nf_conntrack_count`)
  const limit = files.read(`${FOLDER}nf_conntrack_max`)
  return entries === undefined || limit === undefined ? undefined : { entries, limit }
}

import { type Log } from '../model/log.js'
import { type KernelFiles, kernelFiles, setKernelFile } from './kernel-files.js'

/** 0: never, 1: always, 2: on loopback only, which is the kernel's default. */
export const TIME_WAIT_REUSE_FILE = '/proc/sys/net/ipv4/tcp_tw_reuse'

const TIME_WAIT_REUSE = {
  file: TIME_WAIT_REUSE_FILE,
  value: 1,
  set: 'Set tcp_tw_reuse, for many short connections to one endpoint',
  notSet: 'Cannot set tcp_tw_reuse; source ports may run short at some 470 connections per second to one endpoint',
  hint: 'Set net.ipv4.tcp_tw_reuse=1 on the node, or use --reuse-source-ports=false',
}

/**
 * Lets a new connection from this node use the source port of one that has ended more than a second ago. Otherwise such a port
 * waits for 60 s (RFC 9293, TIME-WAIT) if this side closed first, as a proxy does whenever its client closes first: the default
 * range of ports then allows some 470 connections per second to one endpoint. It is safe because TCP timestamps distinguish old
 * segments from new ones (RFC 6191), and the kernel does it only for connections with timestamps. The setting is for both IP families.
 *
 * A failure is a warning: connections work until ports are short.
 */
export function allowTimeWaitReuse(log: Log, files: KernelFiles = kernelFiles): void {
  setKernelFile(TIME_WAIT_REUSE, log, files)
}

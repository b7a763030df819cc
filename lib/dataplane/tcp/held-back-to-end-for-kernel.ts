/** Memory of the kernel's TCP in this machine, in bytes. */
export interface TcpMemory {
  readonly used: number
  /** Above this, the kernel gives less to every socket (the second number of net.ipv4.tcp_mem). */
  readonly pressure: number
}

/** What a connection that is held back takes of it, in the sockets of this proxy. Measured: 2 to 4 MiB for senders in a hurry. */
const KERNEL_BYTES = 2 * 1024 * 1024
/** If those of this proxy have less than this part, others are to blame, and it would not help to end some. */
const MIN_PART = 1 / 4
/** The part that ends before the memory is looked at again. */
const ENDED_PART = 1 / 8

/**
 * How many connections that are held back should end because the kernel's TCP is short of memory.
 * @param heldBack how many this process has
 * @param processes of this proxy that have some
 */
export function heldBackToEndForKernel(heldBack: number, processes: number, memory: TcpMemory | undefined): number {
  if (memory === undefined || memory.used <= memory.pressure) return 0
  if (heldBack * processes * KERNEL_BYTES < MIN_PART * memory.pressure) return 0
  return Math.ceil(heldBack * ENDED_PART)
}

/** The most UDP flows of one process, if there are enough descriptors and source ports. */
const MAX_FLOWS = 16_384
/** Part of the descriptors that flows may have. */
const DESCRIPTOR_PART = 0.5
/** Part of the source ports that stays free for other programs of the node. */
const FREE_PART = 1 / 8
/**
 * Part of the source ports that flows may have in any case, all processes together. How many are in use is only an estimate, which counts
 * sockets outside the range too, and the kernel itself says when no port is left.
 */
const LEAST_PART = 1 / 16

/** The source ports for UDP of the node. Every socket to an endpoint needs one of its own. */
export interface UdpPorts {
  /** How many the kernel may give out. */
  readonly total: number
  /** How many sockets of all programs have one, at most. */
  readonly inUse: number
}

/**
 * How many flows a process may have until it looks at the ports again. Each process of the proxy may take its part of what is
 * free now, so the processes need not know of each other: the one with many clients takes its part again at each look.
 * @param used flows that the process has
 */
export function flowCapacity(
  descriptorLimit: number,
  used: number,
  ports: UdpPorts | undefined,
  processes: number,
): number {
  const byDescriptors = Math.max(1, Math.min(MAX_FLOWS, Math.floor(descriptorLimit * DESCRIPTOR_PART)))
  if (ports === undefined) return byDescriptors
  const free = Math.floor((ports.total * (1 - FREE_PART) - ports.inUse) / processes)
  const least = Math.max(1, Math.floor((ports.total * LEAST_PART) / processes))
  return Math.min(byDescriptors, Math.max(least, used, used + free))
}

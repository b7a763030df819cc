/**
 * Milliseconds until an idle UDP flow expires, before and after its first answer: about the kernel's own values in connection
 * tracking (nf_conntrack_udp_timeout and _stream on current kernels: 30 s and 120–180 s).
 */
export const DEFAULT_UDP_TIMEOUTS = { unanswered: 30_000, answered: 180_000 } as const

/** Transport protocols that a Service port can name. SCTP is understood, but not served from userspace. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** Reads a protocol as kube-proxy does: case does not matter, and an absent one is TCP (the API server's default). */
export function parseProtocol(value: unknown): Protocol | undefined {
  if (value === undefined || value === null || value === '') return 'TCP'
  if (typeof value !== 'string') return undefined
  const upper = value.toUpperCase()
  return upper === 'TCP' || upper === 'UDP' || upper === 'SCTP' ? upper : undefined
}

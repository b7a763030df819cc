/** Transport protocols of Service ports. Userspace mode does not serve SCTP. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** Reads a protocol as kube-proxy does: in any case, and TCP when absent (the API server's default). */
export function parseProtocol(value: unknown): Protocol | undefined {
  if (value === undefined || value === null || value === '') return 'TCP'
  if (typeof value !== 'string') return undefined
  const upper = value.toUpperCase()
  return upper === 'TCP' || upper === 'UDP' || upper === 'SCTP' ? upper : undefined
}

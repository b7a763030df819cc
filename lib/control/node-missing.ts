import { ProxyFailure } from '../model/failure.js'

export const NODE_MISSING_HINT =
  'Check --hostname-override (kubectl get nodes shows the names), and that nodes may be read'

/** @param waitedMs milliseconds; @param missing what of it, in words */
export function nodeMissingFailure(name: string, missing: string, waitedMs: number): ProxyFailure {
  const message = `our Node "${name}" was waited for ${waitedMs / 60_000} min in vain: ${missing} is still missing`
  return new ProxyFailure('NODE_MISSING', message, { hint: NODE_MISSING_HINT })
}

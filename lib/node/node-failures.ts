import { ProxyFailure } from '../model/failure.js'

export const NODE_MISSING_HINT =
  'Check --hostname-override (kubectl get nodes shows the names), and that nodes may be read'

/**
 * The Node did not come in time.
 * @param missing what of it is missing, in words
 * @param waitedMs milliseconds
 */
export function nodeMissingFailure(name: string, missing: string, waitedMs: number): ProxyFailure {
  const message = `Timed out after ${waitedMs / 60_000} min waiting for Node "${name}": ${missing} is still missing`
  return new ProxyFailure('NODE_MISSING', message, { hint: NODE_MISSING_HINT })
}

/** The Node was there, and was deleted from the cluster. */
export function nodeGoneFailure(name: string): ProxyFailure {
  return new ProxyFailure('NODE_GONE', `Node "${name}" of this machine was deleted from the cluster`, {
    hint: 'Start kube-proxy again if this machine is still to be a node; the kubelet registers it again',
  })
}

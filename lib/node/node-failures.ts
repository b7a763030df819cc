import { ProxyFailure } from '../model/failure.js'

export const NODE_MISSING_HINT =
  'Check --hostname-override (kubectl get nodes shows the names), and that this account may read nodes'

/**
 * The Node did not appear in time.
 * @param reason why the Node is not known, in words that follow its name
 * @param waitedMs milliseconds
 */
export function nodeMissingFailure(name: string, reason: string, waitedMs: number): ProxyFailure {
  const message = `Timed out after ${waitedMs / 60_000} min waiting for Node "${name}": ${reason}`
  return new ProxyFailure('NODE_MISSING', message, { hint: NODE_MISSING_HINT })
}

/** The Node was there, and was deleted from the cluster. */
export function nodeGoneFailure(name: string): ProxyFailure {
  return new ProxyFailure('NODE_GONE', `Node "${name}" of this machine was deleted from the cluster`, {
    hint: 'If this machine should still be a node, start kube-proxy again; the kubelet registers the Node again',
  })
}

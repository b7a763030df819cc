import { ProxyFailure } from '../model/failure.js'

export function nodeGoneFailure(name: string): ProxyFailure {
  const hint = 'Start it again if this machine is still to be a node; the kubelet registers it anew'
  return new ProxyFailure('NODE_GONE', `our Node "${name}" was deleted from the cluster, wanted it to be there`, {
    hint,
  })
}

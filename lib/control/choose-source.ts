import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Clock } from '../model/clock.js'
import { type Log } from '../model/log.js'
import { ManifestSource } from '../source/manifest-source.js'
import { type Source } from '../source/source.js'

/**
 * Where this proxy gets its objects from: the manifests, else an API server.
 * @throws ProxyFailure KUBECONFIG_INVALID
 */
export async function chooseSource(config: KubeProxyConfig, clock: Clock, log: Log): Promise<Source> {
  if (config.manifests.length > 0) return new ManifestSource(config.manifests, log)
  // Loaded here and not above: whoever reads manifests need not wait for the Kubernetes client.
  const [{ createKubeClient }, { KubernetesSource }] = await Promise.all([
    import('../source/kube-client.js'),
    import('../source/kubernetes-source.js'),
  ])
  const client = await createKubeClient({ kubeconfig: config.kubeconfig, master: config.master, clock })
  return new KubernetesSource({ client, nodeName: config.nodeName, log, clock })
}

import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Clock } from '../model/clock.js'
import { type EventWriter, discardEvents } from '../model/event-sink.js'
import { type Log } from '../model/log.js'
import { type ClientObservers } from '../source/kube-client.js'
import { ManifestSource } from '../source/manifest-source.js'
import { type Source } from '../source/source.js'

/** The source of objects, and the destination of events about them. */
export interface Cluster {
  readonly source: Source
  readonly events: EventWriter
}

/**
 * Chooses the source of objects: the manifests if there are any, otherwise an API server.
 * @param observers take notice of what the client of the API server does
 * @throws ProxyFailure KUBECONFIG_INVALID
 */
export async function chooseSource(
  config: KubeProxyConfig,
  clock: Clock,
  log: Log,
  observers: ClientObservers = {},
): Promise<Cluster> {
  const { manifests, manifestsStrict, nodeName } = config
  if (manifests.length > 0) {
    const source = new ManifestSource({ paths: manifests, strict: manifestsStrict, log })
    return { source, events: discardEvents }
  }
  // Imported here because loading the Kubernetes client takes time, and manifests do not need it.
  const [{ createKubeClient }, { KubernetesSource }, { EventRecorder }] = await Promise.all([
    import('../source/kube-client.js'),
    import('../source/kubernetes-source.js'),
    import('../source/event-recorder.js'),
  ])
  const { kubeconfig, master } = config
  const client = await createKubeClient({ kubeconfig, master, clock, ...observers })
  return {
    source: new KubernetesSource({ client, nodeName, log, clock }),
    events: new EventRecorder({ client, nodeName, log, clock }),
  }
}

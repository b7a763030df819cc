import { type Check, IRRELEVANT, cannotLook, fine, finding } from '../check.js'

/** A proxy runs, and has nothing to complain of. */
export const PROXY_HEALTH: Check = {
  code: 'proxy-unhealthy',
  title: 'Proxy',
  look({ proxy, kernel, ports }) {
    if (!proxy.isSeen) {
      // The kernel may still have rules that no program writes again.
      if (!kernel.isSeen || kernel.value.carriedBy === 'kernel') return cannotLook(proxy.why, ports.length > 0)
      return finding(
        `No proxy answers on this node, and in ${kernel.value.mode} mode connections pass through it`,
        [proxy.why],
        [
          'kubectl get pods -n kube-system -l k8s-app=kube-proxy -o wide',
          'kubectl logs -n kube-system ds/kube-proxy --tail=50',
        ],
      )
    }
    const { isHealthy, problems, state, pid, mode, proxyVersion, lastSync } = proxy.value.overview
    const failed =
      lastSync?.outcome === 'failed' ? [`the sync of ${lastSync.family} rules at ${lastSync.at} failed`] : []
    const proof = [...problems, ...failed]
    if (isHealthy && proof.length === 0) return fine(`process ${pid}, version ${proxyVersion}, ${mode} mode, ${state}`)
    return finding(`The proxy of this node is not healthy`, proof.length > 0 ? proof : [`it is ${state}`], [
      'curl -s http://127.0.0.1:10256/healthz',
      'kubectl logs -n kube-system ds/kube-proxy --tail=50',
    ])
  },
}

/** Where rules lead to a socket of the proxy, it is open. */
export const LISTENER: Check = {
  code: 'no-listener',
  title: 'Listeners',
  follows: ['no-endpoint'],
  look({ proxy, kernel }) {
    if (!kernel.isSeen || kernel.value.carriedBy === 'kernel' || !proxy.isSeen) return IRRELEVANT
    const open = new Set(proxy.value.listeners.filter(({ isListening }) => isListening).map(({ port }) => String(port)))
    const targets = kernel.value.walks.flatMap(walk =>
      walk.outcome.kind === 'served' ? walk.outcome.to.map(to => ({ to, walk })) : [],
    )
    if (targets.length === 0) return IRRELEVANT
    const lost = targets.find(({ to }) => !open.has(to.slice(to.lastIndexOf(':') + 1)))
    if (lost === undefined) return fine(`the proxy listens at the ports that rules lead to: ${[...open].join(', ')}`)
    return finding(
      `Rules lead to ${lost.to}, and the proxy does not listen there for this Service`,
      [`its open ports: ${[...open].join(', ') || 'none'}`],
      ['kube-proxy status listeners', 'kubectl logs -n kube-system ds/kube-proxy --tail=50'],
    )
  },
}

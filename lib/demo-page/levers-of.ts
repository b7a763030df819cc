import { type DemoService, type Pod } from '../demo/cluster-objects.js'
import { EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { type LeverKind, type LeverView, type PodState } from './demo-document.js'
import { SLOW_MS, podRule } from './pod-states.js'

/** More Pods show nothing that these do not. */
const MAX_REPLICAS = 6
/** A Node that is not that of the demo. */
export const OTHER_NODE = 'another-node'
/** Where a kubelet finds the Pod of the API server, in a cluster of kubeadm. */
const [MANIFESTS, API_MANIFEST] = ['/etc/kubernetes/manifests', 'kube-apiserver.yaml']
const POLICIES = ['Cluster', 'Local']

/** What decides which levers there are. */
export interface LeverFacts {
  readonly mode: string
  readonly modes: readonly string[]
  readonly nodeName: string
  readonly service: DemoService
  readonly isApiAway: boolean
  readonly pods: readonly (Pod & { readonly state: PodState; readonly pid: number })[]
}

/** All that can be changed now. */
export function leversOf({ mode, modes, nodeName, service, isApiAway, pods }: LeverFacts): readonly LeverView[] {
  const { internalTrafficPolicy, externalTrafficPolicy } = service.spec ?? {}
  const patch = (spec: object): string =>
    `kubectl patch service ${EXAMPLE_SERVICE.name} -p '${JSON.stringify({ spec })}'`
  const placed = (value: string): string =>
    `kubectl patch deployment ${EXAMPLE_DEPLOYMENT.name} -p '${JSON.stringify({ spec: { template: { spec: { nodeName: value } } } })}'`
  return [
    ...Array.from({ length: MAX_REPLICAS + 1 }, (_, count) =>
      lever(
        'scale',
        String(count),
        pods.length === count,
        `kubectl scale deployment ${EXAMPLE_DEPLOYMENT.name} --replicas=${count}`,
      ),
    ),
    ...pods.flatMap(podLevers),
    ...['None', 'ClientIP'].map(value =>
      lever('affinity', value, service.affinity === (value === 'ClientIP'), patch({ sessionAffinity: value })),
    ),
    ...POLICIES.map(value =>
      lever('internal', value, value === internalTrafficPolicy, patch({ internalTrafficPolicy: value })),
    ),
    ...POLICIES.map(value =>
      lever('external', value, value === externalTrafficPolicy, patch({ externalTrafficPolicy: value })),
    ),
    // Without Pods, this would change nothing.
    ...(pods.length === 0 ? [] : [nodeName, OTHER_NODE]).map(value =>
      lever('nodes', value, value === service.nodeName, placed(value)),
    ),
    // A proxy that starts while the API server is away serves nothing, and the demo would wait for it until the time is over.
    ...modes
      .filter(value => !isApiAway || value === mode)
      .map(value => lever('mode', value, value === mode, `kube-proxy --proxy-mode=${value}`)),
    lever('api', 'there', !isApiAway, `mv /root/${API_MANIFEST} ${MANIFESTS}`),
    lever('api', 'away', isApiAway, `mv ${MANIFESTS}/${API_MANIFEST} /root`),
  ]
}

function podLevers({ name, state, pid }: LeverFacts['pods'][number]): LeverView[] {
  if (state === 'killed') return [lever('replace', name, false, 'kubectl get pods --watch')]
  const from = (wanted: PodState): string =>
    [undoing(state), making(wanted)]
      .flatMap(command => command ?? [])
      .map(command => `kubectl exec ${name} -- ${command}`)
      .join(' && ')
  return [
    lever('kill', name, false, `kill -9 ${pid}`),
    lever('slow', name, state === 'slow', from('slow')),
    lever('silent', name, state === 'silent', from('silent')),
    lever('refuse', name, state === 'refusing', from('refusing')),
    ...(state === 'running' ? [] : [lever('heal', name, false, from('running'))]),
  ]
}

/** What makes a Pod so that runs as it should; undefined: nothing. */
function making(state: PodState): string | undefined {
  if (state === 'slow') return `tc qdisc add dev eth0 root netem delay ${SLOW_MS}ms`
  const rule = podRule(state)
  return rule && `iptables -I ${rule.join(' ')}`
}

/** What makes a Pod run again as it should. */
function undoing(state: PodState): string | undefined {
  if (state === 'slow') return 'tc qdisc del dev eth0 root'
  const rule = podRule(state)
  return rule && `iptables -D ${rule.join(' ')}`
}

function lever(kind: LeverKind, value: string, isCurrent: boolean, command: string): LeverView {
  return { id: `${kind}/${value}`, kind, value, command, isCurrent }
}

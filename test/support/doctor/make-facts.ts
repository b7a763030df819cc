import { type DoctorFacts, type ProxyFacts } from '../../../lib/doctor/doctor-facts.js'
import { NO_OBJECTS } from '../../../lib/doctor/gather-facts.js'
import { type KernelFacts, type ServiceWalk } from '../../../lib/doctor/kernel-facts.js'
import { seen, unseen } from '../../../lib/doctor/seen.js'
import { endpointVerdict } from '../../../lib/snapshot/endpoint-verdict.js'
import { type EndpointView } from '../../../lib/status/endpoint-view.js'
import { type Overview } from '../../../lib/status/overview.js'
import { type ServiceView } from '../../../lib/status/service-view.js'

/** An endpoint of `default/web` that is ready, unless a verdict says otherwise. */
export function makeEndpointView(address: string, more: Partial<EndpointView> = {}): EndpointView {
  const ready = endpointVerdict('ready')
  const { cluster = ready, local = cluster } = more
  return {
    ...{ namespace: 'default', service: 'web', portName: 'http', protocol: 'TCP', family: 'IPv4' },
    ...{ address, slice: 'web-1', open: null, ejected: [], ...more },
    ...{ cluster, local, isUsed: cluster.isUsed || local.isUsed },
  }
}

/** The port `http` of `default/web` with its ClusterIP. */
export function makeServiceView(more: Partial<ServiceView> = {}): ServiceView {
  const actions = { fromNode: 'cluster', fromPods: 'cluster', fromExternal: 'cluster' } as const
  return {
    ...{ namespace: 'default', name: 'web', portName: 'http', protocol: 'TCP', family: 'IPv4' },
    ...{ clusterIP: '10.96.0.10', port: 80, nodePort: 0, balancer: 'round-robin', affinitySeconds: null },
    ...{ internalTrafficPolicy: 'Cluster', externalTrafficPolicy: 'Cluster' },
    endpoints: { all: 2, cluster: 2, local: 2 },
    frontends: [{ kind: 'cluster IP', address: '10.96.0.10', port: 80, isServed: true, why: null, actions }],
    ...more,
  }
}

/** A packet of a Pod to the ClusterIP that rules lead to an endpoint. */
export function makeWalk(more: Partial<ServiceWalk> = {}): ServiceWalk {
  return {
    ...{ from: 'pod', source: '10.244.0.9', sender: 'Pod 10.244.0.9 of this node', kind: 'cluster IP' },
    ...{ address: '10.96.0.10', port: 80, protocol: 'TCP', portName: 'http', isMain: true, isInRanges: undefined },
    isLimited: false,
    outcome: { kind: 'served', to: ['10.244.0.2:8080'] },
    ...more,
  }
}

export const OVERVIEW: Overview = {
  ...{ apiVersion: 'v1', kind: 'Overview', proxyVersion: '1.0.0', mode: 'iptables', carriedBy: 'kernel' },
  ...{ nodeName: 'node-1', pid: 4711, startedAt: '2026-01-01T00:00:00Z', state: 'serving', isHealthy: true },
  ...{ problems: [], services: 1, servicePorts: 1, portsWithoutEndpoints: 0, traffic: null, lastSync: null, paths: [] },
}

interface FactParts extends Partial<Omit<DoctorFacts, 'proxy' | 'kernel'>> {
  readonly proxy?: Partial<ProxyFacts> | undefined
  readonly kernel?: Partial<KernelFacts> | undefined
}

/** Facts of a healthy Service with two endpoints, and what differs from that. Undefined: it could not be looked at. */
export function makeFacts(more: FactParts = {}): DoctorFacts {
  const { proxy = 'proxy' in more ? undefined : {}, kernel = 'kernel' in more ? undefined : {}, ...rest } = more
  const ports = rest.ports ?? [makeServiceView()]
  const endpoints = rest.endpoints ?? [makeEndpointView('10.244.0.2:8080'), makeEndpointView('10.244.0.3:8080')]
  const none = { missing: undefined, listeners: [], affinity: [], connections: [], clusterDns: undefined }
  return {
    ...{ name: { namespace: 'default', name: 'web' }, client: undefined, wantsObjects: false, ports, endpoints },
    objects: unseen(NO_OBJECTS),
    proxy:
      proxy === undefined
        ? unseen('No proxy answers at the status socket "/run/kube-proxy.sock"')
        : seen({ overview: OVERVIEW, ports, endpoints, ...none, ...proxy }),
    kernel:
      kernel === undefined
        ? unseen('the rules in the kernel cannot be read: EACCES')
        : seen({
            ...{
              mode: 'iptables',
              carriedBy: 'kernel',
              clientKind: undefined,
              addresses: ['192.168.50.1'],
              walks: [makeWalk()],
            },
            ...{ endpointWalks: [], affinity: [], notes: [], ...kernel },
          }),
    probes: endpoints.map(({ address }) => ({ address, outcome: 'connected', code: '' })),
    dns: seen({
      name: 'web.default.svc.cluster.local',
      server: 'the cluster DNS 10.96.0.53',
      addresses: ['10.96.0.10'],
      failure: '',
      isGuessed: false,
    }),
    conntrack: seen({ entries: 10, limit: 100 }),
    ...rest,
  }
}

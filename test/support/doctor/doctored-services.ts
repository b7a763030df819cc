/** A Service of the doctor's tests, with its slices and Pods, and how it is: the finding that comes first; undefined: healthy. */
export interface DoctoredService {
  readonly name: string
  readonly finding: string | undefined
  /** What is said besides, of a healthy one. */
  readonly remark: string | undefined
  /** The client that is asked for. */
  readonly client: string | undefined
  /** What the verdict or the proof says, among others. */
  readonly says: RegExp
  readonly objects: readonly object[]
  /** Objects that only the API server has: the proxy never sees Pods. */
  readonly pods: readonly object[]
}

/** The Pods of the test: `here` and `there` serve, `far` is on another node, and `dns` is the cluster DNS. */
export interface DoctoredPods {
  readonly here: string
  readonly there: string
  readonly here6: string
  readonly far: string
  readonly dns: string
}

interface ServiceOptions {
  readonly spec?: Record<string, unknown>
  readonly port?: Record<string, unknown>
  readonly type?: string
  readonly status?: object
  readonly slicePort?: Record<string, unknown> | undefined
  readonly endpoints?: readonly object[]
  readonly pods?: readonly object[]
  readonly more?: readonly object[]
  readonly remark?: string
  readonly client?: string
}

const NODE = 'this-node'
let count = 0

/** All of them. @param nodeName of the node under test */
export function doctoredServices({ here, there, here6, far, dns }: DoctoredPods): DoctoredService[] {
  count = 0
  const healthy = (name: string, options: ServiceOptions = {}): DoctoredService =>
    makeService(name, undefined, /./, options)
  const sick = (name: string, finding: string, says: RegExp, options: ServiceOptions): DoctoredService =>
    makeService(name, finding, says, options)
  const said = (name: string, remark: string, says: RegExp, options: ServiceOptions): DoctoredService =>
    makeService(name, undefined, says, { ...options, remark })
  const makeService = (
    name: string,
    finding: string | undefined,
    says: RegExp,
    {
      spec = {},
      port = {},
      type = 'ClusterIP',
      status,
      slicePort = {},
      endpoints,
      pods,
      more = [],
      remark,
      client,
    }: ServiceOptions,
  ): DoctoredService => {
    const clusterIP = `10.96.1.${++count}`
    const used = endpoints ?? [readyEndpoint(here), readyEndpoint(there)]
    return {
      ...{ name, finding, says, remark, client },
      objects: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name, namespace: 'default' },
          spec: {
            ...{ type, clusterIP, clusterIPs: [clusterIP], selector: { app: name } },
            ports: [{ name: 'http', port: 80, targetPort: 8080, ...port }],
            ...spec,
          },
          ...(status && { status }),
        },
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
          addressType: 'IPv4',
          ports: [{ name: 'http', port: 8080, ...slicePort }],
          endpoints: used,
        },
        ...more,
      ],
      pods: pods ?? [makePod(`${name}-1`, name, here), makePod(`${name}-2`, name, there)],
    }
  }
  const balanced = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } }
  return [
    healthy('plain'),
    healthy('node-port', { type: 'NodePort', port: { nodePort: 30_080 } }),
    healthy('ranges', {
      ...{ type: 'LoadBalancer', status: balanced, port: { nodePort: 30_081 } },
      spec: { loadBalancerSourceRanges: ['192.168.60.0/24'] },
    }),
    healthy('local', {
      ...{ type: 'NodePort', port: { nodePort: 30_082 } },
      spec: { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
    }),
    healthy('sticky', { spec: { sessionAffinity: 'ClientIP' } }),
    healthy('datagrams', {
      port: { protocol: 'UDP', port: 53, targetPort: 5353 },
      slicePort: { protocol: 'UDP', port: 5353 },
    }),
    healthy('both-families', {
      spec: { clusterIP: '10.96.1.99', clusterIPs: ['10.96.1.99', 'fd00:96::99'], ipFamilyPolicy: 'RequireDualStack' },
      more: [
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            ...{ name: 'both-families-6', namespace: 'default' },
            labels: { 'kubernetes.io/service-name': 'both-families' },
          },
          ...{ addressType: 'IPv6', ports: [{ name: 'http', port: 8080 }] },
          endpoints: [readyEndpoint(here6)],
        },
      ],
    }),
    healthy('kube-dns', {
      ...{
        port: { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
        slicePort: { name: 'dns', protocol: 'UDP', port: 53 },
      },
      endpoints: [readyEndpoint(dns)],
      pods: [makePod('kube-dns-1', 'kube-dns', dns)],
    }),
    sick(
      'mislabelled',
      'selector-matches-nothing',
      /app=mislabelled matches no Pod.*\n[^\n]*app=mislabeled.*set selector/s,
      {
        endpoints: [],
        pods: [makePod('mislabeled-1', 'mislabeled', here)],
      },
    ),
    sick(
      'unready',
      'pods-not-ready',
      /2 Pods of 2 are not ready.*unready-1 \(10\.244\.0\.\d+\): container web waits: CrashLoopBackOff/s,
      {
        endpoints: [here, there].map(ip => ({ ...readyEndpoint(ip), conditions: { ready: false } })),
        pods: [here, there].map((ip, index) => makePod(`unready-${index + 1}`, 'unready', ip, { isReady: false })),
      },
    ),
    sick(
      'misnamed',
      'port-name-mismatch',
      /targetPort "htpp" of port "http" \(80\/TCP\).*\/spec\/ports\/0\/targetPort","value":"http"/s,
      {
        port: { targetPort: 'htpp' },
        slicePort: { name: 'other' },
      },
    ),
    sick('closed', 'nothing-listens', /Nothing listens at targetPort 9999: 2 endpoints refuse.*ECONNREFUSED/s, {
      port: { targetPort: 9999 },
      slicePort: { port: 9999 },
    }),
    sick('elsewhere', 'policy-local', /externalTrafficPolicy is Local, and this node.*has no endpoint/, {
      client: '192.168.70.9',
      ...{ type: 'NodePort', port: { nodePort: 30_083 }, spec: { externalTrafficPolicy: 'Local' } },
      endpoints: [{ ...readyEndpoint(far), nodeName: 'another-node' }],
      pods: [makePod('elsewhere-1', 'elsewhere', far)],
    }),
    sick('elsewhere-inside', 'policy-local', /internalTrafficPolicy is Local, and this node.*has no endpoint/, {
      client: here,
      spec: { internalTrafficPolicy: 'Local' },
      endpoints: [{ ...readyEndpoint(far), nodeName: 'another-node' }],
      pods: [makePod('elsewhere-inside-1', 'elsewhere-inside', far)],
    }),
    said('headless', 'no-cluster-ip', /Service default\/headless is headless: clients connect to the Pods/, {
      spec: { clusterIP: 'None', clusterIPs: ['None'] },
    }),
    said('external', 'no-cluster-ip', /only a name.*the DNS sends clients to web\.example\.com/s, {
      ...{
        type: 'ExternalName',
        spec: { externalName: 'web.example.com', clusterIP: '', clusterIPs: [], selector: {} },
      },
      endpoints: [],
    }),
    sick('pending', 'load-balancer-pending', /EXTERNAL-IP is pending/, { type: 'LoadBalancer' }),
    sick('taken', 'address-not-served', /does not serve cluster IP 10\.96\.1\.1:80.*default\/plain/s, {
      spec: { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'] },
    }),
    sick(
      'unnamed',
      'name-not-resolvable',
      /unnamed\.default\.svc\.cluster\.local does not exist in the DNS.*NXDOMAIN/s,
      {},
    ),
    sick('gone', 'endpoint-silent', /do(es)? not answer this node.*(opened in time|EHOSTUNREACH)/s, {
      endpoints: [readyEndpoint('10.244.0.250')],
      pods: [makePod('gone-1', 'gone', '10.244.0.250')],
    }),
  ]
}

/** The names that the cluster DNS of the test knows, as arguments of the DNS server. */
export function namesInDns(services: readonly DoctoredService[]): string[] {
  return services.flatMap(({ name, objects }) => {
    const [service] = objects as readonly { readonly spec: { readonly clusterIP: string } }[]
    const { clusterIP } = service!.spec
    if (name === 'unnamed') return []
    return [
      `${name}.${name === 'kube-dns' ? 'kube-system' : 'default'}=${clusterIP === 'None' || clusterIP === '' ? '10.244.0.2' : clusterIP}`,
    ]
  })
}

function readyEndpoint(ip: string): { addresses: string[]; conditions: object; nodeName: string } {
  return { addresses: [ip], conditions: { ready: true }, nodeName: NODE }
}

function makePod(name: string, app: string, ip: string, { isReady = true } = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app } },
    spec: { nodeName: NODE, containers: [{ name: 'web', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: {
      ...{ phase: 'Running', podIP: ip, podIPs: [{ ip }] },
      conditions: [
        {
          type: 'Ready',
          status: isReady ? 'True' : 'False',
          message: isReady ? '' : 'containers with unready status: [web]',
        },
      ],
      containerStatuses: [{ name: 'web', ...(isReady ? {} : { state: { waiting: { reason: 'CrashLoopBackOff' } } }) }],
    },
  }
}

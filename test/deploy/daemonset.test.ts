import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../../lib/config/read-config.js'
import { MODES } from '../../lib/modes/registry.js'

const read = (file: string): unknown => parse(readFileSync(`deploy/${file}`, 'utf8'))
const { config } = readConfig({}, 'node-1', MODES)
const CONTAINER = 'template.spec.containers.0'
const PROBE_LIMIT_S = 5
/** What a proxy may need after its connections have drained. */
const END_S = 5

/** Each field of the DaemonSet's `spec`, and what the proxy, or the node, would lack without it. */
const FIELDS: readonly (readonly [path: string, value: unknown, why: string])[] = [
  ['selector.matchLabels.k8s-app', 'kube-proxy', 'the name by which installers select its Pods'],
  ['updateStrategy.type', 'RollingUpdate', 'nodes are updated without an operator'],
  ['updateStrategy.rollingUpdate.maxSurge', '10%', 'the new Pod starts beside the old one'],
  ['updateStrategy.rollingUpdate.maxUnavailable', 0, 'the old Pod serves until the new one is ready'],
  ['minReadySeconds', 5, 'a Pod that fails soon stops the update'],
  ['template.metadata.labels.k8s-app', 'kube-proxy', 'the selector'],
  ['template.spec.serviceAccountName', 'kube-proxy', 'the rights of the ClusterRole'],
  ['template.spec.hostNetwork', true, 'rules and sockets of the node'],
  ['template.spec.dnsPolicy', 'Default', 'the DNS of the cluster is a Service, which this proxy serves'],
  ['template.spec.priorityClassName', 'system-node-critical', 'no other Pod takes its place'],
  ['template.spec.nodeSelector.kubernetes.io/os', 'linux', 'no node with Windows'],
  ['template.spec.tolerations.0.operator', 'Exists', 'each node, also one that is not ready yet'],
  ['template.spec.terminationGracePeriodSeconds', config.drainTimeout / 1000 + END_S, 'time to drain'],
  [`${CONTAINER}.name`, 'kube-proxy', 'kubectl logs'],
  [`${CONTAINER}.image`, 'kube-proxy-node:0.1.0', 'the image; manifests.test.ts compares its version'],
  [`${CONTAINER}.imagePullPolicy`, 'IfNotPresent', 'a start without a registry'],
  [`${CONTAINER}.command.0`, '/usr/local/bin/kube-proxy', 'the program'],
  [`${CONTAINER}.command.1`, '--config=/var/lib/kube-proxy/config.conf', 'the ConfigMap'],
  [
    `${CONTAINER}.command.2`,
    '--hostname-override=$(NODE_NAME)',
    'the name of the Node, which need not be the host name',
  ],
  [`${CONTAINER}.env.0.name`, 'NODE_NAME', 'the variable in the command'],
  [`${CONTAINER}.env.0.valueFrom.fieldRef.fieldPath`, 'spec.nodeName', 'the name of the Node'],
  [`${CONTAINER}.resources.requests.cpu`, '100m', 'a share of a busy node'],
  [`${CONTAINER}.resources.requests.memory`, '200Mi', 'a place on a full node'],
  [`${CONTAINER}.securityContext.runAsUser`, 0, 'the capabilities are those of root'],
  [`${CONTAINER}.securityContext.readOnlyRootFilesystem`, true, 'the program cannot be changed'],
  [`${CONTAINER}.securityContext.allowPrivilegeEscalation`, false, 'no more rights by a program'],
  [`${CONTAINER}.securityContext.capabilities.drop.0`, 'ALL', 'no capability but the ones below'],
  [`${CONTAINER}.securityContext.capabilities.add.0`, 'NET_ADMIN', 'rules'],
  [
    `${CONTAINER}.securityContext.capabilities.add.1`,
    'NET_RAW',
    'rules of the legacy back end, and rules that match sets',
  ],
  [`${CONTAINER}.securityContext.capabilities.add.2`, 'SETPCAP', 'workers without capabilities'],
  [`${CONTAINER}.securityContext.seccompProfile.type`, 'RuntimeDefault', 'no unusual system call'],
  [`${CONTAINER}.startupProbe.exec.command.0`, 'kube-proxy-probe', 'it asks the proxy of its own Pod'],
  [`${CONTAINER}.startupProbe.exec.command.1`, '/livez', 'the proxy has started'],
  [`${CONTAINER}.startupProbe.periodSeconds`, 2, 'a start is noticed soon'],
  [`${CONTAINER}.startupProbe.failureThreshold`, 150, 'five minutes to start'],
  [`${CONTAINER}.startupProbe.timeoutSeconds`, PROBE_LIMIT_S, 'a busy node'],
  [`${CONTAINER}.readinessProbe.exec.command.0`, 'kube-proxy-probe', 'it asks the proxy of its own Pod'],
  [`${CONTAINER}.readinessProbe.exec.command.1`, '/readyz', 'the old Pod ends when this one serves'],
  [`${CONTAINER}.readinessProbe.periodSeconds`, 5, 'updates continue soon'],
  [`${CONTAINER}.readinessProbe.timeoutSeconds`, PROBE_LIMIT_S, 'a busy node'],
  [`${CONTAINER}.livenessProbe.httpGet.path`, '/livez', 'a proxy that hangs is started again'],
  [`${CONTAINER}.livenessProbe.httpGet.port`, 10256, 'the port of --healthz-bind-address'],
  [`${CONTAINER}.livenessProbe.periodSeconds`, 10, 'it is noticed soon'],
  [`${CONTAINER}.livenessProbe.timeoutSeconds`, PROBE_LIMIT_S, 'a busy node'],
  [`${CONTAINER}.volumeMounts.0.name`, 'kube-proxy', 'the configuration'],
  [`${CONTAINER}.volumeMounts.0.mountPath`, '/var/lib/kube-proxy', 'the folder of --config'],
  [`${CONTAINER}.volumeMounts.0.readOnly`, true, 'the program only reads it'],
  [`${CONTAINER}.volumeMounts.1.name`, 'xtables-lock', 'the lock of all programs that write rules'],
  [`${CONTAINER}.volumeMounts.1.mountPath`, '/run/xtables.lock', 'where iptables looks for it'],
  [`${CONTAINER}.volumeMounts.2.name`, 'lib-modules', 'modules of the kernel'],
  [`${CONTAINER}.volumeMounts.2.mountPath`, '/lib/modules', 'where programs look for them'],
  [`${CONTAINER}.volumeMounts.2.readOnly`, true, 'the program only reads them'],
  [`${CONTAINER}.volumeMounts.3.name`, 'tmp', 'a place to write'],
  [`${CONTAINER}.volumeMounts.3.mountPath`, '/tmp', 'where programs write'],
  [`${CONTAINER}.volumeMounts.4.name`, 'status', 'the folder of the status socket'],
  [`${CONTAINER}.volumeMounts.4.mountPath`, '/run/kube-proxy-node', 'the folder of the default of --status-socket'],
  ['template.spec.volumes.0.name', 'kube-proxy', 'the mount'],
  ['template.spec.volumes.0.configMap.name', 'kube-proxy', 'the ConfigMap of the kustomization'],
  ['template.spec.volumes.1.name', 'xtables-lock', 'the mount'],
  ['template.spec.volumes.1.hostPath.path', '/run/xtables.lock', 'the lock of the node'],
  ['template.spec.volumes.1.hostPath.type', 'FileOrCreate', 'a node on which no program has locked yet'],
  ['template.spec.volumes.2.name', 'lib-modules', 'the mount'],
  ['template.spec.volumes.2.hostPath.path', '/lib/modules', 'the modules of the node'],
  ['template.spec.volumes.3.name', 'tmp', 'the mount'],
  ['template.spec.volumes.3.emptyDir.medium', 'Memory', 'no file of an earlier Pod, no slow disk'],
  ['template.spec.volumes.4.name', 'status', 'the mount'],
  ['template.spec.volumes.4.emptyDir.medium', 'Memory', 'each Pod has a socket of its own'],
]

/** All values below a value, by their paths. */
function leavesOf(value: unknown, path = ''): (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([name, each]) => leavesOf(each, path === '' ? name : `${path}.${name}`))
}

t.test('the DaemonSet has each field that the proxy needs, and no other', t => {
  const { spec } = read('base/daemonset.yaml') as { readonly spec: unknown }
  const found = new Map(leavesOf(spec))
  for (const [path, value, why] of FIELDS) t.equal(found.get(path), value, `${path}: ${why}`)
  const known = FIELDS.map(([path]) => path)
  t.same(
    [...found.keys()].filter(path => !known.includes(path)),
    [],
    'the table has each field',
  )
  t.end()
})

/** The section of the README about an installer. */
function sectionOf(title: string): string {
  return readFileSync('deploy/README.md', 'utf8').split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
}

t.test('kind: the file of the README makes a cluster without kube-proxy, with the address of the overlay', t => {
  const file = /kind create cluster --config deploy\/(\S+)/.exec(sectionOf('kind'))?.[1]
  t.same(read(file!), {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    networking: { kubeProxyMode: 'none' },
  })
  // The file names no cluster, so kind calls it "kind", and its node "kind-control-plane".
  const { clusters } = read('overlays/kind/kubeconfig.conf') as {
    readonly clusters: readonly [{ readonly cluster: { readonly server: string } }]
  }
  t.equal(clusters[0].cluster.server, 'https://kind-control-plane:6443')
  t.end()
})

t.test('Talos: the file of the README turns kube-proxy off, and the way back turns it on', t => {
  const section = sectionOf('Talos')
  const file = /--config-patch @deploy\/(\S+)/.exec(section)?.[1]
  t.same(read(file!), { cluster: { proxy: { disabled: true } } })
  const [, back] = /talosctl patch machineconfig --patch '(.*)'/.exec(section) ?? []
  t.same(JSON.parse(back!), { cluster: { proxy: { disabled: false } } })
  t.end()
})

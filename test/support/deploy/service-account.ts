import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { type TeardownScope } from '../nodes/node-network.js'
import { type NodeProcess } from '../nodes/node-process.js'

const NAME = 'kube-proxy'
const NAMESPACE = 'kube-system'
const API_OF_KIND: Readonly<Record<string, string>> = {
  ServiceAccount: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Record<string, unknown> }]
  readonly users: readonly [{ readonly user: Record<string, unknown> }]
}

/** The user that the API server knows the Pods of the DaemonSet as. */
export const PROXY_USER = `system:serviceaccount:${NAMESPACE}:${NAME}`

/** Creates the ServiceAccount of the manifests with its rights. */
export async function createServiceAccount(api: NodeProcess): Promise<void> {
  for (const name of ['service-account', 'cluster-role', 'cluster-role-binding']) {
    const object = parse(readFileSync(`deploy/base/${name}.yaml`, 'utf8')) as { readonly kind: string }
    await api.sendCommand(['POST', API_OF_KIND[object.kind]!, object])
  }
}

/**
 * What the kubelet mounts for the ServiceAccount: a folder with `token` and `ca.crt`.
 * @param adminKubeconfig the kubeconfig of `RealApiServer`
 */
export async function mountServiceAccount(
  t: TeardownScope,
  api: NodeProcess,
  adminKubeconfig: string,
): Promise<string> {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['api'] } }
  const path = `${API_OF_KIND['ServiceAccount']}/${NAME}/token`
  const { status } = JSON.parse(await api.sendCommand(['POST', path, request])) as { status: { token: string } }
  const folder = mkdtempSync(join(tmpdir(), 'service-account-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { clusters } = parse(readFileSync(adminKubeconfig, 'utf8')) as Kubeconfig
  const ca = String(clusters[0].cluster['certificate-authority'])
  writeFileSync(join(folder, 'token'), status.token)
  writeFileSync(join(folder, 'ca.crt'), readFileSync(join(dirname(adminKubeconfig), ca)))
  return folder
}

/** The kubeconfig of the manifests, with the API server and the files of a test. @returns its path */
export function adaptKubeconfig(serviceAccount: string, adminKubeconfig: string): string {
  const config = parse(readFileSync('deploy/base/kubeconfig.conf', 'utf8')) as Kubeconfig
  const admin = parse(readFileSync(adminKubeconfig, 'utf8')) as Kubeconfig
  config.clusters[0].cluster['server'] = admin.clusters[0].cluster['server']
  config.clusters[0].cluster['certificate-authority'] = join(serviceAccount, 'ca.crt')
  config.users[0].user['tokenFile'] = join(serviceAccount, 'token')
  const file = join(serviceAccount, 'kubeconfig', 'kubeconfig.conf')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(config))
  return file
}

import { once } from 'node:events'
import { makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { NODE_IP, type NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { NodeProcess } from '../nodes/node-process.js'
import { createServiceAccount } from './service-account.js'

/** The Service that the API server has. */
export const WEB = { clusterIP: '10.96.0.10', port: 80 }
/** The Node that the API server has. */
export const NODE_NAME = 'node-1'

/** A real API server on the node, with its Node, a Service with one endpoint, and the ServiceAccount of the proxy. */
export interface ApiWithService {
  readonly api: NodeProcess
  /** The administrator's kubeconfig. */
  readonly admin: string
}

/**
 * Starts it; the end of the test stops it.
 * @param ip the address of the endpoint
 * @param flags more flags of kube-apiserver
 */
export async function startApiWithService(
  t: TeardownScope,
  network: NodeNetwork,
  ip: string,
  flags: readonly string[] = [],
): Promise<ApiWithService> {
  const api = new NodeProcess(network, 'api/real-api-server-entry', flags)
  t.teardown(async () => {
    api.child.stdin!.end()
    await once(api.child, 'exit')
  })
  const admin = await api.readLine()
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE_NAME },
    spec: { podCIDR: '10.244.0.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
  }
  const slice = { ...makeSliceManifest('web', [ip], 8080), apiVersion: 'discovery.k8s.io/v1beta1' }
  await api.sendCommand(['POST', '/api/v1/nodes', node])
  await api.sendCommand(['POST', '/api/v1/namespaces/default/services', makeServiceManifest('web', WEB)])
  await api.sendCommand(['POST', '/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices', slice])
  await createServiceAccount(api)
  return { api, admin }
}

import { makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { type ServiceNode } from '../nodes/service-node.js'

/** Where the proxies of the tests serve their page. */
export const PAGE_ADDRESS = '127.0.0.1:10247'
/** No Pod has it. */
export const DEAD_POD = '10.244.0.250'

/** A Service with two endpoints that are ready and one that is not, and one without endpoints. */
export function pageObjects(node: ServiceNode): readonly object[] {
  const slice = makeSliceManifest('shop', [...node.ips, DEAD_POD], 8080) as {
    readonly endpoints: { conditions: { ready: boolean } }[]
  }
  slice.endpoints[2]!.conditions.ready = false
  return [
    makeServiceManifest('shop', { clusterIP: '10.96.0.20', port: 80 }),
    slice,
    makeServiceManifest('empty', { clusterIP: '10.96.0.30', port: 443 }),
  ]
}

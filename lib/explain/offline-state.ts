import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type IpAddress } from '../model/address.js'
import { type Cidr } from '../model/cidr.js'
import { type Mode } from '../modes/mode.js'
import { type ExplainedState } from './explained-state.js'
import { type RawObject, chooseNodeName, familiesOf, loadObjects, localEndpoints } from './load-objects.js'
import { offlineLayout } from './offline-layout.js'
import { planState } from './plan-state.js'

export interface OfflineStateOptions {
  readonly objects: readonly RawObject[]
  readonly config: KubeProxyConfig
  readonly mode: Mode
  /** Whether the operator has named the node; otherwise the objects decide. */
  readonly isNodeNamed: boolean
  /** Empty: those of the Node object. */
  readonly nodeAddresses: readonly IpAddress[]
  /** Empty: those of the Node object. */
  readonly podRanges: readonly Cidr[]
}

/** The state of a node that is not at hand: everything comes from objects and options. */
export function offlineState(options: OfflineStateOptions): ExplainedState {
  const { objects, mode, isNodeNamed, nodeAddresses, podRanges } = options
  const nodeName = isNodeNamed ? options.config.nodeName : chooseNodeName(objects, options.config.nodeName)
  const config = { ...options.config, nodeName }
  const store = loadObjects(objects, nodeName)
  const addresses = nodeAddresses.length > 0 ? nodeAddresses : (store.node?.addresses ?? [])
  const families = familiesOf(store, addresses)
  const layout = offlineLayout({
    name: nodeName,
    addresses,
    podRanges: podRanges.length > 0 ? podRanges : (store.node?.podCIDRs ?? []),
    localEndpoints: localEndpoints(store, nodeName),
    families,
  })
  const hasSlices = objects.some(({ kind }) => kind === 'EndpointSlice' || kind === 'Endpoints')
  const notes = hasSlices
    ? []
    : [
        'The manifests have no EndpointSlices, so no Service has an endpoint: kubectl get endpointslices -A -o yaml prints them',
      ]
  return planState({ mode, config, store, layout, families, notes })
}

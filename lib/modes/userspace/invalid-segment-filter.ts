import { PROXY_INVALID } from '../../netfilter/chain-names.js'
import { type Rule } from '../../netfilter/rule-set.js'
import { type Port, PortSetTree } from '../../netfilter/tree/port-tree.js'
import { type ResolvedFrontend } from './resolved-frontend.js'

/**
 * Drops TCP segments to node ports that conntrack finds invalid, such as those outside of the window: they are not translated, so the
 * node would answer with a reset of the client's connection. `ProxyPortFilter` drops those to proxy ports.
 */
export class InvalidSegmentFilter {
  readonly #nodePorts = new PortSetTree('KUBE-DOOR-X-', { kind: 'DROP' }, { comment: 'segments of no connection' })

  /** By number: the tree recognises unchanged ports as the same objects. */
  #ports: ReadonlyMap<number, Port> = new Map()

  build(frontends: readonly ResolvedFrontend[]): (readonly [string, readonly Rule[]])[] {
    const ports = new Map<number, Port>()
    for (const { frontend } of frontends) {
      const { address, port, servicePort } = frontend
      if (address === undefined && servicePort.protocol === 'TCP')
        ports.set(port, this.#ports.get(port) ?? { protocol: 'TCP', port })
    }
    this.#ports = ports
    const { root, chains } = this.#nodePorts.build([...ports.values()])
    return [...chains, [PROXY_INVALID, root]]
  }
}

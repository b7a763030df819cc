import { type Rule } from '../../netfilter/rule-set.js'
import { reuseEqual, sameItems } from '../../primitives/reuse-equal.js'

/** The shared chains that every service port adds rules to, by purpose. */
export type DispatchChain =
  /** nat: send packets to an address, or to a node port, to the chains of the service port. */
  | 'addresses'
  | 'nodePorts'
  /** filter: refuse or drop packets that no endpoint can serve, at ClusterIPs and at all other addresses. */
  | 'unservedInternal'
  | 'unservedExternal'
  /** filter: drop packets from outside the source ranges. */
  | 'firewall'
  /** filter: accept the health checks of load balancers. */
  | 'healthChecks'
  /** filter: drop segments to and from the node itself that conntrack finds invalid. */
  | 'invalid'

/** The rules of one service port, or of all of them, for each shared chain. */
export type Dispatch = Readonly<Record<DispatchChain, readonly Rule[]>>

/** No rules in any of the shared chains. */
export const NO_DISPATCH: Dispatch = {
  addresses: [],
  nodePorts: [],
  unservedInternal: [],
  unservedExternal: [],
  firewall: [],
  healthChecks: [],
  invalid: [],
}
const DISPATCH_CHAINS = Object.keys(NO_DISPATCH) as readonly DispatchChain[]

/** The new rules, with the old lists where they are equal; the old object if all lists are. */
export function reuseEqualDispatch(before: Dispatch, after: Dispatch): Dispatch {
  const reused = buildDispatch(chain => reuseEqual(before[chain], after[chain]))
  return DISPATCH_CHAINS.every(chain => reused[chain] === before[chain]) ? before : reused
}

/** Joins the rules of many service ports. A joined list stays the same object while all of its parts do. */
export class DispatchJoiner {
  #parts: readonly Dispatch[] = []
  readonly #lists = new Map<DispatchChain, readonly (readonly Rule[])[]>()
  #joined: Dispatch = NO_DISPATCH

  /** @returns the same object while all parts are the same objects in the same order */
  join(parts: readonly Dispatch[]): Dispatch {
    if (sameItems(parts, this.#parts)) return this.#joined
    this.#parts = parts
    this.#joined = buildDispatch(chain => {
      const lists = parts.map(part => part[chain])
      if (sameItems(lists, this.#lists.get(chain) ?? [])) return this.#joined[chain]
      this.#lists.set(chain, lists)
      return lists.flat()
    })
    return this.#joined
  }
}

function buildDispatch(rulesOf: (chain: DispatchChain) => readonly Rule[]): Dispatch {
  return Object.fromEntries(DISPATCH_CHAINS.map(chain => [chain, rulesOf(chain)])) as unknown as Dispatch
}

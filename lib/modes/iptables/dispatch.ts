import { type Rule } from '../../netfilter/rule-set.js'
import { sameItems } from '../../primitives/reuse-equal.js'

/** Chains that each service port has some rules in, by what these do. */
export type DispatchChain =
  /** nat: leads packets to addresses, and to node ports, on to the chains of the service port. */
  | 'addresses'
  | 'nodePorts'
  /** filter: refuses or drops what no endpoint is there for, at ClusterIPs and at the other addresses. */
  | 'unservedInternal'
  | 'unservedExternal'
  /** filter: drops what is not in the source ranges. */
  | 'firewall'
  /** filter: lets load balancers ask for health. */
  | 'healthChecks'

/** Rules of one service port, or of all, in these chains. */
export type Dispatch = Readonly<Record<DispatchChain, readonly Rule[]>>

export const NO_DISPATCH: Dispatch = {
  addresses: [],
  nodePorts: [],
  unservedInternal: [],
  unservedExternal: [],
  firewall: [],
  healthChecks: [],
}
const DISPATCH_CHAINS = Object.keys(NO_DISPATCH) as readonly DispatchChain[]

/** What another one says, in the same lists where they are equal; the very same where all are. */
export function reuseEqualDispatch(before: Dispatch, after: Dispatch): Dispatch {
  const reused = buildDispatch(chain => (areRulesEqual(before[chain], after[chain]) ? before[chain] : after[chain]))
  return DISPATCH_CHAINS.every(chain => reused[chain] === before[chain]) ? before : reused
}

/** Joins the rules of many: each list stays the same object while none of its parts is another one. */
export class DispatchJoiner {
  #parts: readonly Dispatch[] = []
  readonly #lists = new Map<DispatchChain, readonly (readonly Rule[])[]>()
  #joined: Dispatch = NO_DISPATCH

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

/** Rules are plain data, made with their fields in the same order each time. */
export function areRulesEqual(a: readonly Rule[], b: readonly Rule[]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function buildDispatch(rulesOf: (chain: DispatchChain) => readonly Rule[]): Dispatch {
  return Object.fromEntries(DISPATCH_CHAINS.map(chain => [chain, rulesOf(chain)])) as unknown as Dispatch
}

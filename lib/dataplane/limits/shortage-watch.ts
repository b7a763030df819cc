import { type Budgets, type SharedBudgetCounts } from '../data-plane.js'

/** What can be short. */
export type ShortageName = 'descriptors' | 'memory'

/** A shortage, with what has happened since the last look. It is also a message between processes. */
export interface Shortage {
  readonly name: ShortageName
  readonly used: number
  readonly limit: number
  /** The Service that uses the most, if that is known. */
  readonly service: string | undefined
  readonly waited: number
  readonly rejected: number
  readonly ended: number
  readonly hint: string
}

const HINTS: Readonly<Record<ShortageName, string>> = {
  descriptors: 'Raise the limit of open files (ulimit -n, LimitNOFILE), or limit the Service with annotations',
  memory: 'Find out why the receivers take no data; give the container or the node more memory',
}
/** Where memory and not the limit of open files decides how many descriptors there may be. */
const MEMORY_HINT = 'Give the container or the node more memory, or limit the Service with annotations'

/** What a look needs besides the counts. */
export interface ShortageContext {
  /** The Service that uses the most descriptors. */
  readonly greediest: () => string | undefined
  /** Whether the descriptors are limited by memory. */
  readonly isByMemory: boolean
}

/** Compares the counts of the budgets with those of the last look, and finds what has become short meanwhile. */
export class ShortageWatch {
  #last = new Map<ShortageName, SharedBudgetCounts>()

  /** Looks at the counts. */
  check({ descriptors, memory }: Pick<Budgets, 'descriptors' | 'memory'>, context: ShortageContext): Shortage[] {
    const { heldBack, affinity } = memory
    const ended = heldBack.evicted + affinity.evicted
    const current: readonly (readonly [ShortageName, SharedBudgetCounts])[] = [
      ['descriptors', descriptors],
      ['memory', { ...(affinity.evicted > 0 && heldBack.evicted === 0 ? affinity : heldBack), evicted: ended }],
    ]
    return current.flatMap(([name, counts]) => {
      const last = this.#last.get(name)
      this.#last.set(name, counts)
      const waited = counts.waited - (last?.waited ?? 0)
      const rejected = counts.shed - (last?.shed ?? 0)
      const evicted = counts.evicted - (last?.evicted ?? 0)
      if (waited + rejected + evicted === 0) return []
      const { used, limit } = counts
      const service = name === 'descriptors' ? context.greediest() : undefined
      const hint = name === 'descriptors' && context.isByMemory ? MEMORY_HINT : HINTS[name]
      return [{ name, used, limit, service, waited, rejected, ended: evicted, hint }]
    })
  }
}

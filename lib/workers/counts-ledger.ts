import { type BudgetCounts, type Budgets, type TrafficCounts, noTraffic } from '../dataplane/data-plane.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type WorkerId } from './assign-listeners.js'
import { type WorkerTraffic } from './worker-link.js'

const NOTHING: BudgetCounts = { used: 0, limit: 0, waited: 0, shed: 0 }

/**
 * Adds up what workers have counted. What a worker had counted of a listener when it was last heard of stays in the sum when
 * that worker ends, gives the listener away or opens it anew: a counter must not go backwards.
 */
export class CountsLedger {
  /** The last word of each worker that runs. */
  readonly #last = new Map<WorkerId, WorkerTraffic>()
  /** Of listeners that are held by somebody else now. */
  readonly #past = new Map<ServicePortKey, TrafficCounts>()
  /** Of workers that have ended. */
  #spent: Budgets = { descriptors: NOTHING, dials: NOTHING }

  heard(worker: WorkerId, counts: WorkerTraffic): void {
    const before = this.#last.get(worker)
    for (const [key, traffic] of before?.traffic ?? []) {
      const now = counts.traffic.get(key)
      if (now === undefined || now.connections < traffic.connections) this.#keep(key, traffic)
    }
    this.#last.set(worker, counts)
  }

  ended(worker: WorkerId): void {
    const before = this.#last.get(worker)
    if (before === undefined) return
    this.#last.delete(worker)
    for (const [key, traffic] of before.traffic) this.#keep(key, traffic)
    const { descriptors, dials } = before.budgets
    this.#spent = joined(this.#spent, { descriptors: withoutGauges(descriptors), dials: withoutGauges(dials) })
  }

  /** Forgets listeners that are not there any more: one of the same name that comes later begins with nothing. */
  forgetAllBut(has: (key: ServicePortKey) => boolean): void {
    for (const key of this.#past.keys()) if (!has(key)) this.#past.delete(key)
    for (const [worker, counts] of this.#last) {
      const traffic = new Map([...counts.traffic].filter(([key]) => has(key)))
      if (traffic.size < counts.traffic.size) this.#last.set(worker, { ...counts, traffic })
    }
  }

  traffic(): ReadonlyMap<ServicePortKey, Readonly<TrafficCounts>> {
    const total = new Map<ServicePortKey, TrafficCounts>()
    for (const counted of [this.#past, ...[...this.#last.values()].map(({ traffic }) => traffic)])
      for (const [key, traffic] of counted) total.set(key, sum(total.get(key) ?? noTraffic(), traffic))
    return total
  }

  budgets(): Budgets {
    return [...this.#last.values()].reduce((total, { budgets }) => joined(total, budgets), this.#spent)
  }

  #keep(key: ServicePortKey, traffic: Readonly<TrafficCounts>): void {
    this.#past.set(key, sum(this.#past.get(key) ?? noTraffic(), { ...traffic, active: 0, ejected: 0 }))
  }
}

function sum(a: Readonly<TrafficCounts>, b: Readonly<TrafficCounts>): TrafficCounts {
  const total = noTraffic()
  for (const name of Object.keys(total) as (keyof TrafficCounts)[]) total[name] = a[name] + b[name]
  // One endpoint that fails is left out by every worker that has met it.
  return { ...total, ejected: Math.max(a.ejected, b.ejected) }
}

function joined(a: Budgets, b: Budgets): Budgets {
  return { descriptors: plus(a.descriptors, b.descriptors), dials: plus(a.dials, b.dials) }
}

function plus(a: BudgetCounts, b: BudgetCounts): BudgetCounts {
  return {
    used: a.used + b.used,
    limit: a.limit + b.limit,
    waited: a.waited + b.waited,
    shed: a.shed + b.shed,
  }
}

function withoutGauges(counts: BudgetCounts): BudgetCounts {
  return { ...counts, used: 0, limit: 0 }
}
